import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Environment } from '../../src/config.ts';
import { getJson } from '../support/http.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';
import { comes } from './fault.ts';

const ownRoot = new URL('../../', import.meta.url).pathname;
/** The launcher takes the first node that it finds. */
const ownNode = { PATH: `${dirname(process.execPath)}:${process.env.PATH}` };
const clockModule = new URL('./jumping-clock.mjs', import.meta.url).pathname;
const linesKept = 200;
const readyMsMax = 120_000;

export interface ProcessOptions {
  /** Of the release that is meant. */
  readonly root?: string;
  /** Loaded before its own code, to break it on purpose. */
  readonly sabotage?: string;
}

/**
 * A collector as a process that is ended and started again on the same data. Unlike
 * `spawnCollector` it does not wait for readiness, which takes as long as an outage.
 */
export class CollectorProcess {
  readonly #env: Environment;
  readonly #command: readonly [string, ...string[]];
  readonly #imports: string;
  readonly #clockFile = join(temporaryDirectory().path, 'clock');
  #child: ChildProcess | undefined;
  #ending: ChildProcess | undefined;
  #exited: Promise<unknown> = Promise.resolve();
  /** Of its processes, where there are several. */
  readonly #members = new Map<number, number>();
  /** The last lines of its log. */
  readonly log: string[] = [];
  /** What it should never have said or done. */
  readonly complaints: string[] = [];
  baseUrl = '';
  port = 0;

  constructor(env: Environment, { root = ownRoot, sabotage }: ProcessOptions = {}) {
    this.#env = env;
    // A bundle has the modules within it, where nothing from outside can break one.
    this.#command =
      sabotage === undefined
        ? [join(root, 'bin/gravitas-telemetry')]
        : [process.execPath, join(root, 'src/main.ts')];
    const modules = [clockModule, ...(sabotage === undefined ? [] : [sabotage])];
    this.#imports = modules.map((path) => `--import=${path}`).join(' ');
  }

  /** Of all that is one collector. */
  get pids(): readonly number[] {
    return [this.#child?.pid as number, ...this.#members.values()].filter(isAlive);
  }

  /** Of its processes, where there are several: not of who started them. */
  get memberPids(): readonly number[] {
    return [...this.#members.values()].filter(isAlive);
  }

  /** Resolves when it accepts connections. */
  async start(env: Environment = {}): Promise<void> {
    const [program, ...args] = this.#command;
    const child = spawn(program, args, {
      env: {
        ...process.env,
        ...ownNode,
        NODE_OPTIONS: this.#imports,
        CHAOS_CLOCK: this.#clockFile,
        ...this.#env,
        ...env,
      },
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    this.#child = child;
    this.#members.clear();
    this.#exited = once(child, 'exit');
    const kill = () => child.kill('SIGKILL');
    process.once('exit', kill);
    child.once('exit', () => process.off('exit', kill));
    const listening = Promise.withResolvers<number>();
    child.once('exit', (code, signal) => {
      // Whoever ends it has let go of it before.
      if (this.#child !== child) return;
      this.complaints.push(`the collector ended by itself: ${code ?? signal}`);
      listening.reject(new Error(`the collector ended: ${this.log.slice(-20).join('\n')}`));
    });
    createInterface({ input: child.stderr as NodeJS.ReadableStream }).on('line', (line) => {
      this.log.push(line);
      if (this.log.length > linesKept) this.log.shift();
      if (line.includes('"unexpected error"'))
        this.complaints.push(
          `unexpected error: ${JSON.parse(line).err?.stack}`.replace(/\d+/g, '#'),
        );
      const [, pid, member] = /"pid":(\d+),.*"process":(\d+),.*"listening"/.exec(line) ?? [];
      if (member) this.#members.set(Number(member), Number(pid));
      if (line.includes('"listening"')) listening.resolve(JSON.parse(line).port);
    });
    this.port = await listening.promise;
    this.baseUrl = `http://127.0.0.1:${this.port}`;
  }

  async untilReady(): Promise<void> {
    const isReady = async () => (await getJson(`${this.baseUrl}/readyz`)).body.status === 'ready';
    if (!(await comes(isReady, readyMsMax))) throw new Error('the collector does not become ready');
  }

  /** Sends a signal that ends it, and resolves with the exit code; null where the signal did it. */
  async end(signal: 'SIGTERM' | 'SIGKILL'): Promise<number | null> {
    const child = this.#child as ChildProcess;
    this.#child = undefined;
    this.#ending = child;
    child.kill(signal);
    await this.#exited;
    // Those that are left without a supervisor end by themselves.
    while (this.memberPids.length > 0) await sleep(10);
    return child.exitCode;
  }

  /** Ends one that does not end as it was told to. */
  kill(): void {
    this.#ending?.kill('SIGKILL');
  }

  /** Makes its wall clock wrong by so many milliseconds. */
  setClock(offsetMs: number): void {
    writeFileSync(this.#clockFile, String(offsetMs));
    this.#signal('SIGUSR2');
  }

  /** Stops it in its tracks, until `thaw`. */
  freeze(): void {
    this.#signal('SIGSTOP');
  }

  thaw(): void {
    this.#signal('SIGCONT');
  }

  #signal(signal: NodeJS.Signals): void {
    if (this.#child) for (const pid of this.pids) process.kill(pid, signal);
  }
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}
