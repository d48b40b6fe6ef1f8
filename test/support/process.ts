import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { dirname, join } from 'node:path';
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

const launcher = new URL('../../bin/gravitas-telemetry', import.meta.url).pathname;

/** The launcher takes the first node that it finds: that of the tests. */
const ownNode = { PATH: `${dirname(process.execPath)}:${process.env.PATH}` };

/** A collector as a process of its own; resolves when it says that it is ready. */
export async function spawnCollector(
  env: Environment,
  args: string[] = [],
): Promise<CollectorProcess> {
  const own = {
    TELEMETRY_PORT: '0',
    TELEMETRY_LOG_FORMAT: 'json',
    TELEMETRY_DATA_DIR: join(temporaryDirectory().path, 'data'),
  };
  const child = spawn(launcher, args, {
    env: { ...process.env, ...ownNode, ...own, ...env },
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  const logs: string[] = [];
  const port = await new Promise<number>((resolve, reject) => {
    child.once('exit', (code) => reject(new Error(`exit ${code}: ${logs.join('\n')}`)));
    createInterface({ input: child.stderr as NodeJS.ReadableStream }).on('line', (line) => {
      logs.push(line);
      const ready = /ready: http:\/\/.*:(\d+)"/.exec(line);
      if (ready) resolve(Number(ready[1]));
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
