import { setTimeout as sleep } from 'node:timers/promises';
import type { Deliveries } from './deliveries.ts';
import { type Fault, faults, type World } from './faults.ts';
import { Random } from './random.ts';

export interface Plan {
  readonly seed: number;
  readonly faults: number;
  /** After so long no fault is added. */
  readonly secondsMax: number;
  /** Kinds to draw from; all of them where absent. */
  readonly kinds?: readonly string[];
  readonly onFault?: (number: number, kind: string) => void;
}

/** How long a rest between faults may take, and the acknowledged commits that end it. */
const restMsMax = 8000;
const commitsMin = 20;

/** Draws faults, each kind once before any comes again; some of them overlap. */
export async function befall(
  world: World,
  deliveries: Deliveries,
  { seed, faults: count, secondsMax, kinds = Object.keys(faults), onFault }: Plan,
): Promise<Record<string, number>> {
  const startedAt = performance.now();
  const random = new Random(seed);
  const counts: Record<string, number> = {};
  const running = new Map<string, Promise<void>>();
  let bag: string[] = [];
  for (let number = 1; number <= count; number++) {
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
    const ended = run(world, own);
    // Whoever awaits it next hears of its failure.
    ended.catch(() => {});
    for (const part of parts) running.set(part, ended);
    counts[kind] = (counts[kind] ?? 0) + 1;
    if (!overlaps) await Promise.all(running.values());
    await sleep(pauseMs);
    if (rests && !overlaps) await untilCommitting(deliveries);
  }
  await Promise.all(running.values());
  return counts;
}

/** Waits for the end of an outage, so that faults do not only ever befall a collector that spools. */
async function untilCommitting(deliveries: Deliveries): Promise<void> {
  const enough = deliveries.committed + commitsMin;
  for (let waitedMs = 0; waitedMs < restMsMax && deliveries.committed < enough; waitedMs += 50)
    await sleep(50);
}
