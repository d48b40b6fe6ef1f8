import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import net from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import type { BodyKind } from '../../load/peer-bodies.ts';
import type { Sink } from './sink.ts';

/** Where a peer is run: with a database and a directory of its own. */
export interface Place {
  readonly connection: { readonly host: string; readonly user: string; readonly database: string };
  readonly url: string;
  readonly directory: string;
  readonly port: number;
  readonly sink: Sink;
  /** What the statement finds in the database. */
  numbers(statement: string): Promise<number[]>;
  count(table: string): Promise<number>;
}

export interface Running {
  readonly pid: number;
  stop(signal: NodeJS.Signals): Promise<void>;
}

/** Something to send telemetry to. */
export interface Peer {
  readonly name: string;
  /** What an answer of 2xx says. */
  readonly acknowledges: string;
  /** What was set, and is best for it here. */
  readonly settings: string;
  readonly kind: BodyKind;
  readonly eventsPerPost: number;
  readonly connections: number;
  /** Where what it takes ends up, if that can be away. */
  readonly away?: 'database' | 'sink';
  start(place: Place): Promise<Running>;
  /** The numbers of the events that have ended up there. */
  stored(place: Place): Promise<number[]>;
  /** How many have, for which whoever waits may ask often. */
  count(place: Place): Promise<number>;
}

export interface Missing {
  readonly name: string;
  readonly reason: string;
}

const startMsMax = 60_000;

/** Starts a program, and resolves when it takes connections. */
export async function startProgram(
  [program = '', ...args]: readonly string[],
  port: number,
  env: Readonly<Record<string, string>> = {},
): Promise<Running> {
  const child = spawn(program, args, {
    env: { ...process.env, ...env },
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  const kill = () => child.kill('SIGKILL');
  process.once('exit', kill);
  child.once('exit', () => process.off('exit', kill));
  const endMs = performance.now() + startMsMax;
  while (!(await takesConnections(port))) {
    if (child.exitCode !== null || performance.now() > endMs) {
      throw new Error(`${program} does not start`);
    }
    await sleep(50);
  }
  return { pid: child.pid as number, stop: (signal) => end(child, signal) };
}

async function end(child: ChildProcess, signal: NodeJS.Signals): Promise<void> {
  const exited = once(child, 'exit');
  child.kill(signal);
  const late = setTimeout(() => child.kill('SIGKILL'), 20_000);
  await exited;
  clearTimeout(late);
}

async function takesConnections(port: number): Promise<boolean> {
  const socket = net.connect({ port, host: '127.0.0.1' });
  const isOpen = await once(socket, 'connect').then(
    () => true,
    () => false,
  );
  socket.destroy();
  return isOpen;
}
