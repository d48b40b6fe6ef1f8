import { cost } from './cases/cost.ts';
import { latency } from './cases/latency.ts';
import { mixed } from './cases/mixed.ts';
import { otherwise } from './cases/otherwise.ts';
import { raw } from './cases/raw.ts';
import { stalled } from './cases/stalled.ts';
import { measureStream, stream } from './cases/stream.ts';
import { unary, warmUpPosts } from './cases/unary.ts';
import { compareWithGoals } from './report/goals.ts';
import type { Report } from './report/report.ts';
import { summarizeCase } from './report/summary.ts';
import {
  type Bench,
  type Contestant,
  type Lineup,
  openBench,
  type Sample,
} from './support/bench.ts';
import { describeMachine, describeVersions } from './support/machine.ts';
import type { Sizes } from './support/sizes.ts';

/** In the order in which they are reported; `latency` needs the rates of `stream`. */
export const cases = [raw, stream, unary, otherwise, cost, latency, mixed, stalled];

export interface RunOptions {
  readonly rounds: number;
  readonly seed: number;
  readonly sizes: Sizes;
  /** Names of cases. */
  readonly only: readonly string[];
  /** Hears what has been measured so far. */
  readonly onProgress: (line: string) => void;
}

export async function runBench(options: RunOptions): Promise<Report> {
  const { rounds, seed, sizes, only } = options;
  const startedAt = new Date();
  const machine = describeMachine();
  const bench = await openBench(options);
  const selected = cases.filter(({ name }) => only.includes(name));
  const opened: (readonly [(typeof cases)[number], Lineup])[] = [];
  try {
    await warmUp(bench);
    for (const each of selected) opened.push([each, await each.open(bench)]);
    const contestants = opened.flatMap(([each, lineup]) =>
      lineup.contestants.map((contestant) => ({ case: each.name, contestant })),
    );
    const samples = await measureRounds(bench, contestants, options);
    const sections = opened.map(([each, lineup]) => summarizeCase(each, lineup, samples));
    const { server_version = '', ...settings } = await bench.postgres.settings();
    return {
      startedAt: startedAt.toISOString(),
      minutes: (Date.now() - startedAt.getTime()) / 60_000,
      rounds,
      seed,
      sizes,
      machine,
      versions: describeVersions(server_version),
      settings,
      schema: await bench.postgres.schema(),
      goals: compareWithGoals(sections),
      sections,
    };
  } finally {
    for (const [, lineup] of opened) await lineup.close?.();
    await bench.close();
  }
}

/** Compilers, caches and pools of the collector, the same for all that follows. */
async function warmUp(bench: Bench): Promise<void> {
  await measureStream(bench);
  bench.streamRates.length = 0;
  await bench.postgres.reset();
  await warmUpPosts(bench);
}

/** Each contestant once a round; every other round in reverse, so that nobody always goes first. */
async function measureRounds(
  bench: Bench,
  contestants: readonly { readonly case: string; readonly contestant: Contestant }[],
  { rounds, onProgress }: RunOptions,
): Promise<ReadonlyMap<Contestant, Sample[]>> {
  const samples = new Map<Contestant, Sample[]>();
  for (let round = 0; round < rounds; round++) {
    for (const each of round % 2 === 0 ? contestants : contestants.toReversed()) {
      await bench.postgres.reset();
      const sample = await each.contestant.measure();
      samples.set(each.contestant, [...(samples.get(each.contestant) ?? []), sample]);
      const rate = Math.round(sample.rows / sample.seconds).toLocaleString('en');
      onProgress(`${round + 1}/${rounds} ${each.case}, ${each.contestant.name}: ${rate} rows/s`);
    }
  }
  return samples;
}
