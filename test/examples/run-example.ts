import { type ChildProcess, spawn } from 'node:child_process';
import { EventEmitter, once } from 'node:events';
import { createInterface } from 'node:readline';

export interface RunningExample {
  readonly process: ChildProcess;
  /** What it has printed so far, on either output. */
  readonly lines: readonly string[];
  /** Resolves when so many lines match; rejects when it ends before. */
  printed(pattern: RegExp, count?: number): Promise<void>;
  /** The exit code, null when a signal ended it. */
  readonly exited: Promise<number | null>;
}

/** An example as its reader starts it: a process in the project's folder. */
export function runExample(
  command: string,
  args: readonly string[],
  env: NodeJS.ProcessEnv = {},
): RunningExample {
  const child = spawn(command, args, {
    cwd: new URL('../..', import.meta.url),
    env: { ...process.env, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const lines: string[] = [];
  const printing = new EventEmitter();
  for (const output of [child.stdout, child.stderr]) {
    createInterface({ input: output }).on('line', (line) => {
      lines.push(line);
      printing.emit('change');
    });
  }
  const exited = once(child, 'close').then(([code]) => code as number | null);
  return {
    process: child,
    lines,
    exited,
    printed: async (pattern, count = 1) => {
      const ended = exited.then((code) => {
        throw new Error(`exit ${code} before ${pattern}: ${lines.join('\n')}`);
      });
      ended.catch(() => {});
      while (lines.filter((line) => pattern.test(line)).length < count) {
        await Promise.race([once(printing, 'change'), ended]);
      }
    },
  };
}
