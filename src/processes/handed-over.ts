import type { Worker } from 'node:cluster';

/** What Node's cluster tells its processes, and is answered. */
interface Internal {
  readonly act?: string;
  readonly seq?: number;
  readonly ack?: number;
}

type Handle = { close(): void } | undefined;
type Send = (message: Internal, handle: Handle, ...rest: unknown[]) => boolean;

/**
 * Closes the connections that a process was handed and had not taken when it ended. Node forgets
 * about them: they would stay open, and say nothing until their clients give up.
 */
export function closeUntaken({ process: child }: Pick<Worker, 'process'>): void {
  const untaken = new Map<number, Handle>();
  const send = child.send.bind(child) as Send;
  const watched: Send = (message, handle, ...rest) => {
    const { act, seq } = message;
    if (act === 'newconn' && seq !== undefined) untaken.set(seq, handle);
    return send(message, handle, ...rest);
  };
  Object.assign(child, { send: watched });
  child.on('internalMessage', ({ ack }: Internal) => {
    if (ack !== undefined) untaken.delete(ack);
  });
  // Its channel is not said to be closed while it has a connection to take. What it said last is heard first.
  child.once('exit', () =>
    setImmediate(() => {
      for (const handle of untaken.values()) handle?.close();
    }),
  );
}
