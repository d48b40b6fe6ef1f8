import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';

/** What a load generator says at its end, in a process of its own. */
export type Outcome<Result> = Result & { readonly cpuSeconds: number };

/**
 * Runs in the child: prepares everything, then waits to be told to go. Only what happens after
 * that is measured.
 */
export async function serveLoad<Options, Result extends object>(
  prepare: (options: Options) => Promise<() => Promise<Result>>,
): Promise<void> {
  process.once('disconnect', () => process.exit(1));
  const go = once(process, 'message');
  const run = await prepare(JSON.parse(process.argv[2] as string) as Options);
  process.send?.('ready');
  await go;
  const before = process.cpuUsage();
  const result = await run();
  const { user, system } = process.cpuUsage(before);
  process.send?.({ ...result, cpuSeconds: (user + system) / 1e6 }, () => process.exit(0));
}

export interface Load<Result> {
  readonly pid: number;
  /** Starts it, and resolves at its end. */
  go(): Promise<Outcome<Result>>;
}

/** Starts a load generator, and resolves when it is ready to go. The signal ends it. */
export async function startLoad<Result>(
  file: string,
  options: object,
  signal: AbortSignal,
): Promise<Load<Result>> {
  const path = new URL(file, import.meta.url).pathname;
  const child = fork(path, [JSON.stringify(options)], {
    execArgv: ['--disable-warning=ExperimentalWarning'],
    signal,
  });
  // Whoever waits for a message of it hears that it has ended.
  child.on('error', () => {});
  await message(child, file);
  return {
    pid: child.pid as number,
    go: async () => {
      const outcome = message(child, file);
      child.send('go');
      return (await outcome) as Outcome<Result>;
    },
  };
}

async function message(child: ChildProcess, file: string): Promise<unknown> {
  const ended = new AbortController();
  const { signal } = ended;
  const failed = once(child, 'exit', { signal }).then(([code]) => {
    throw new Error(`${file} ended with exit code ${code}`);
  });
  try {
    const [value] = (await Promise.race([once(child, 'message', { signal }), failed])) as [unknown];
    return value;
  } finally {
    failed.catch(() => {});
    ended.abort();
  }
}
