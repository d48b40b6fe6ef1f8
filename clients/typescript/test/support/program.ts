import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';

export interface Program {
  readonly process: ChildProcess;
  /** Resolves with its next line; rejects when there is none any more. */
  nextLine(): Promise<string>;
  readonly ended: Promise<{ readonly code: number | null; readonly signal: string | null }>;
}

/** One of the programs beside this folder, as a process of its own that uses the built package. */
export function startProgram(
  name: string,
  env: Readonly<Record<string, string>>,
  node = process.execPath,
): Program {
  const file = new URL(`../programs/${name}`, import.meta.url).pathname;
  const child = spawn(node, [file], {
    env: { ...process.env, ...env },
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  return {
    process: child,
    nextLine: async () => {
      const { value, done } = await lines.next();
      if (done) throw new Error(`${name} has ended`);
      return value;
    },
    ended: once(child, 'close').then(([code, signal]) => ({ code, signal })),
  };
}
