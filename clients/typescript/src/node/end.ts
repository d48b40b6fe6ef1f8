import { isMainThread } from 'node:worker_threads';
import type { Settings } from '../options.ts';
import type { Sender } from '../sender.ts';

const signals = ['SIGTERM', 'SIGINT', 'SIGHUP'] as const;

/** The senders of this thread, with how long each may take at the end. */
const senders = new Map<Sender, number>();
let isInstalled = false;

/** Sees to what waits when the process ends, however it does, but by kill -9 (clause 5). */
export function beforeEnd(sender: Sender, { closeTimeoutS }: Settings): () => void {
  senders.set(sender, closeTimeoutS * 1000);
  if (!isInstalled) install();
  return () => {
    senders.delete(sender);
    if (senders.size === 0) remove();
  };
}

function install(): void {
  isInstalled = true;
  process.on('beforeExit', onBeforeExit);
  process.on('exit', onExit);
  // Before the application's own, which may be removed when they have been called.
  if (isMainThread) for (const signal of signals) process.prependListener(signal, onSignal);
}

/** Closing gives everything back (clause 5.6). */
function remove(): void {
  isInstalled = false;
  process.removeListener('beforeExit', onBeforeExit);
  process.removeListener('exit', onExit);
  for (const signal of signals) process.removeListener(signal, onSignal);
}

/** Node calls this again when all that it started is done: then there is nothing new to flush. */
function onBeforeExit(): void {
  for (const [sender, timeoutMs] of senders) sender.flushAtEnd(timeoutMs);
}

function onExit(): void {
  for (const sender of senders.keys()) sender.abandonAtExit();
}

/** Known to every copy of this package that a process may have, of whatever version. */
const isOurs = Symbol.for('gravitas-telemetry-client.on-signal');

/** Ends as the signal would have, unless the application sees to it: then `exit` follows. */
const onSignal = Object.assign(
  async (signal: NodeJS.Signals): Promise<void> => {
    if (process.listeners(signal).some((listener) => !(isOurs in listener))) return;
    await Promise.all([...senders].map(([sender, timeoutMs]) => sender.close(timeoutMs)));
    process.removeListener(signal, onSignal);
    if (process.listenerCount(signal) === 0) process.kill(process.pid, signal);
  },
  { [isOurs]: true },
);
