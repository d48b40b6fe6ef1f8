import { type ChildProcess, type SpawnOptions, spawn } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';

const startMsMax = 60_000;
const endMsMax = 10_000;

/** Lends a connection of its own. */
export async function withClient<T>(
  settings: pg.ClientConfig,
  use: (client: pg.Client) => Promise<T>,
): Promise<T> {
  const client = new pg.Client(settings);
  client.on('error', () => {});
  try {
    await client.connect();
    return await use(client);
  } finally {
    await client.end().catch(() => {});
  }
}

/** A server of PostgreSQL that is ended in every way, and started again only when it is told to. */
export class ServerProcess {
  readonly #command: readonly [program: string, args: readonly string[], options: SpawnOptions];
  readonly #settings: pg.ClientConfig;
  #child: ChildProcess | undefined;

  /** `settings`: by which it answers, once it does. */
  constructor(
    program: string,
    args: readonly string[],
    options: SpawnOptions,
    settings: pg.ClientConfig,
  ) {
    this.#command = [program, args, { cwd: '/', stdio: 'ignore', ...options }];
    this.#settings = settings;
    process.once('exit', () => this.#child?.kill('SIGKILL'));
  }

  /** Starts it, and waits for the end of its recovery. */
  async start(): Promise<void> {
    const deadline = Date.now() + startMsMax;
    while (Date.now() < deadline) {
      const child = spawn(...this.#command);
      this.#child = child;
      // It refuses to start while a child of the one that was killed is still there.
      while (child.exitCode === null && child.signalCode === null) {
        if (await this.answers()) return;
        await sleep(20);
      }
      await sleep(50);
    }
    throw new Error('PostgreSQL does not start');
  }

  /** SIGINT is a fast shutdown, SIGQUIT one without a checkpoint, SIGKILL a crash. */
  async end(signal: 'SIGINT' | 'SIGQUIT' | 'SIGKILL'): Promise<void> {
    const child = this.#child;
    if (!child || child.exitCode !== null || child.signalCode !== null) return;
    const exited = once(child, 'exit');
    child.kill(signal);
    // A shutdown that meets a recovery may hang: the operator's last resort.
    const late = setTimeout(() => child.kill('SIGKILL'), endMsMax);
    await exited;
    clearTimeout(late);
  }

  async answers(): Promise<boolean> {
    return await withClient(this.#settings, (client) => client.query('select')).then(
      () => true,
      () => false,
    );
  }
}
