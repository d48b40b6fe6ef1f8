import { setTimeout as sleep } from 'node:timers/promises';
import type { Deliveries } from './deliveries.ts';
import type { Random } from './random.ts';
import type { World } from './world.ts';

export type Part = 'postgres' | 'network' | 'collector' | 'access' | 'neighbour';

export interface Fault {
  /** Faults of different parts may overlap. */
  readonly parts: readonly Part[];
  /** Which a collector has to have. */
  readonly processesMin?: number;
  /**
   * Begins, lasts for as long as the random numbers say, and ends. Resolves with whether it was
   * met: whether there was something that it hit.
   */
  readonly run: (world: World, random: Random) => Promise<boolean>;
}

const feltMsMax = 1500;

export const lasts = (random: Random, min = 50, max = 900) => sleep(random.between(min, max));

/** Cuts the database off, which nothing but the network can do while PostgreSQL is well. */
export async function withoutDatabase<T>(world: World, work: () => Promise<T>): Promise<T> {
  world.network.refuse(true);
  world.network.drop();
  try {
    return await work();
  } finally {
    world.network.refuse(false);
  }
}

/** Waits for what a fault should bring about; resolves with whether it came in time. */
export async function comes(
  what: () => boolean | Promise<boolean>,
  msMax = feltMsMax,
): Promise<boolean> {
  const startedAt = performance.now();
  for (;;) {
    if (await what()) return true;
    if (performance.now() - startedAt > msMax) return false;
    await sleep(20);
  }
}

const listeningMsMax = 60_000;

/**
 * Waits until all of several processes listen; a collector has started when the first does. Of one
 * that is ended alone before, the port goes too, and those that follow choose another.
 */
export const untilAllListen = ({ collector, processes }: World): Promise<boolean> =>
  comes(() => processes === 1 || collector.memberPids.length === processes, listeningMsMax);

/** A fault that is met if clients got such answers from its beginning to a moment after its end. */
export const felt =
  (
    kinds: readonly (keyof Deliveries['answers'])[],
    run: (world: World, random: Random) => Promise<void>,
  ): Fault['run'] =>
  async (world, random) => {
    const sum = () => kinds.reduce((total, kind) => total + world.deliveries.answers[kind], 0);
    const before = sum();
    await run(world, random);
    return await comes(() => sum() > before);
  };
