import { setTimeout as sleep } from 'node:timers/promises';
import type { Control } from './controls.ts';
import type { Deliveries } from './deliveries.ts';
import type { Fault } from './fault.ts';
import { faults } from './faults.ts';
import { Random } from './random.ts';
import type { World } from './world.ts';

export interface Plan {
  readonly seed: number;
  readonly faults: number;
  /** Of the collector; one where absent. */
  readonly processes?: number;
  /** After so long no fault is added. */
  readonly secondsMax: number;
  /** Kinds to draw from; all of them where absent. */
  readonly kinds?: readonly string[];
  /** Breaks a promise on purpose. */
  readonly control?: Control;
  readonly onFault?: (number: number, kind: string) => void;
}

/** How often a kind came, and how often there was something that it hit. */
export interface FaultCount {
  befallen: number;
  met: number;
}

/** How long a rest between faults may take, and the acknowledged commits that end it. */
const restMsMax = 8000;
const commitsMin = 20;

/** Draws faults, each kind once before any comes again; some of them overlap. */
export async function befall(
  world: World,
  { seed, faults: faultsMax, secondsMax, kinds = kindsFor(world.processes), onFault }: Plan,
): Promise<Record<string, FaultCount>> {
  const startedAt = performance.now();
  const random = new Random(seed);
  const counts: Record<string, FaultCount> = {};
  const running = new Map<string, Promise<unknown>>();
  let bag: string[] = [];
  for (let number = 1; number <= faultsMax; number++) {
    if (performance.now() - startedAt > 1000 * secondsMax) break;
    if (bag.length === 0) bag = random.shuffled(kinds);
    const kind = bag.pop() as string;
    const { parts, run } = faults[kind] as Fault;
    const overlaps = random.chance(0.35);
    const rests = random.chance(0.4);
    const pauseMs = random.between(50, 700);
    const own = new Random(seed * 100_000 + number);
    await Promise.all(parts.map((part) => running.get(part)));
    onFault?.(number, kind);
    counts[kind] ??= { befallen: 0, met: 0 };
    const count = counts[kind];
    count.befallen += 1;
    const ended = run(world, own).then((met) => {
      count.met += Number(met);
    });
    // Whoever awaits it next hears of its failure.
    ended.catch(() => {});
    for (const part of parts) running.set(part, ended);
    if (!overlaps) await Promise.all(running.values());
    await sleep(pauseMs);
    if (rests && !overlaps) await untilCommitting(world.deliveries);
  }
  await Promise.all(running.values());
  return counts;
}

/** Those that there is something to hit for. */
const kindsFor = (processes: number): string[] =>
  Object.entries(faults)
    .filter(([, { processesMin = 1 }]) => processes >= processesMin)
    .map(([kind]) => kind);

/** Waits for the end of an outage, so that faults do not only ever befall a collector that spools. */
async function untilCommitting(deliveries: Deliveries): Promise<void> {
  const enough = deliveries.committed + commitsMin;
  for (let waitedMs = 0; waitedMs < restMsMax && deliveries.committed < enough; waitedMs += 50)
    await sleep(50);
}
