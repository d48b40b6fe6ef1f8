import { execFile } from 'node:child_process';
import type { Environment } from '../../src/config.ts';

export interface CommandResult {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

const mainFile = new URL('../../src/main.ts', import.meta.url).pathname;
/** Where the launcher keeps what Node makes of the sources. */
const compiled = new URL('../../node_modules/.cache/compiled', import.meta.url).pathname;

/** Runs the command line to its end. */
export function runCommand(args: readonly string[], env: Environment = {}): Promise<CommandResult> {
  const argv = ['--disable-warning=ExperimentalWarning', mainFile, ...args];
  return new Promise((resolve) => {
    execFile(
      process.execPath,
      argv,
      { env: { ...process.env, NODE_COMPILE_CACHE: compiled, ...env } },
      (error, stdout, stderr) => {
        resolve({ code: typeof error?.code === 'number' ? error.code : 0, stdout, stderr });
      },
    );
  });
}
