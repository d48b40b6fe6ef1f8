import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { delimiter, dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import type { Environment } from '../../src/config.ts';
import { temporaryDirectory } from './temporary-directory.ts';

export interface CollectorProcess {
  readonly port: number;
  readonly baseUrl: string;
  readonly process: ChildProcess;
  readonly dataDirectory: string;
  /** Everything it has logged so far. */
  readonly logs: readonly string[];
  /** Sends a signal and resolves with the exit code, null when the signal ended it. */
  end(signal: NodeJS.Signals): Promise<number | null>;
}

const ownRoot = new URL('../../', import.meta.url).pathname;

/** The launcher takes the first node that it finds: that of the tests, or of another checkout. */
const pathOf = (root: string) =>
  [
    root === ownRoot ? dirname(process.execPath) : join(root, 'node_modules/.bin'),
    process.env.PATH,
  ].join(delimiter);

export interface SpawnOptions {
  /** Of the checkout whose collector is meant; this one by default. */
  readonly root?: string;
  /** Out of reach of Ctrl-C: whoever started it ends it. */
  readonly detached?: boolean;
  /** What is waited for. */
  readonly until?: keyof typeof milestones;
}

/** What a collector says at the two ends of its start, with its port. */
const milestones = {
  listening: /"port":(\d+),"msg":"listening"/,
  waiting: /waiting for another collector/,
  ready: /ready: https?:\/\/.*:(\d+)"/,
};

/** A collector as a process of its own; resolves when it says that it is so far. */
export async function spawnCollector(
  env: Environment,
  args: string[] = [],
  { root = ownRoot, detached = false, until = 'ready' }: SpawnOptions = {},
): Promise<CollectorProcess> {
  const own = {
    TELEMETRY_PORT: '0',
    TELEMETRY_LOG_FORMAT: 'json',
    TELEMETRY_DATA_DIR: join(temporaryDirectory().path, 'data'),
  };
  const child = spawn(join(root, 'bin/gravitas-telemetry'), args, {
    env: { ...process.env, PATH: pathOf(root), ...own, ...env },
    detached,
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  const logs: string[] = [];
  const port = await new Promise<number>((resolve, reject) => {
    child.once('exit', (code) => reject(new Error(`exit ${code}: ${logs.join('\n')}`)));
    createInterface({ input: child.stderr as NodeJS.ReadableStream }).on('line', (line) => {
      logs.push(line);
      const reached = milestones[until].exec(line);
      if (reached) resolve(Number(reached[1]));
    });
  });
  return {
    port,
    baseUrl: `http://127.0.0.1:${port}`,
    process: child,
    dataDirectory: env.TELEMETRY_DATA_DIR ?? own.TELEMETRY_DATA_DIR,
    logs,
    end: async (signal) => {
      if (child.exitCode !== null || child.signalCode !== null) return child.exitCode;
      const exited = once(child, 'exit');
      child.kill(signal);
      const [code] = await exited;
      return code;
    },
  };
}
