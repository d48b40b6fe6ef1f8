import { join } from 'node:path';
import { bulk } from './cases/bulk.ts';
import { citus } from './cases/citus.ts';
import { manyComponents } from './cases/components.ts';
import { cost } from './cases/cost.ts';
import { fairness } from './cases/fairness.ts';
import { grpc } from './cases/grpc.ts';
import { indexes } from './cases/indexes.ts';
import { keys } from './cases/keys.ts';
import { latency } from './cases/latency.ts';
import { mixed } from './cases/mixed.ts';
import { otherwise } from './cases/otherwise.ts';
import { processes } from './cases/processes.ts';
import { raw } from './cases/raw.ts';
import { stalled } from './cases/stalled.ts';
import { measureStream, stream } from './cases/stream.ts';
import { unary, warmUpPosts } from './cases/unary.ts';
import { usage } from './cases/usage.ts';
import { compareSections } from './report/comparison.ts';
import { compareWithGoals } from './report/goals.ts';
import type { Report } from './report/report.ts';
import { type Section, summarizeCase } from './report/summary.ts';
import { Alone } from './support/alone.ts';
import {
  type Bench,
  type Case,
  type Contestant,
  type Lineup,
  openBench,
  type Sample,
} from './support/bench.ts';
import { describeMachine, describeVersions } from './support/machine.ts';
import { Opened } from './support/opened.ts';
import { bundle, unpackCommit } from './support/other-commit.ts';
import type { Sizes } from './support/sizes.ts';

/** In the order in which they are reported; `latency` needs the rates of `stream`. */
export const cases = [
  raw,
  stream,
  manyComponents,
  indexes,
  unary,
  grpc,
  processes,
  bulk,
  usage,
  otherwise,
  cost,
  latency,
  mixed,
  stalled,
  fairness,
  keys,
  citus,
];

export interface RunOptions {
  readonly rounds: number;
  readonly seed: number;
  readonly sizes: Sizes;
  /** Names of cases. */
  readonly only: readonly string[];
  /** A commit to measure beside this checkout. */
  readonly against?: string | undefined;
  /** Whether nothing is rolled up meanwhile: what that costs is not in the figures. */
  readonly isUnrolled?: boolean;
  /** Hears what has been measured so far. */
  readonly onProgress: (line: string) => void;
  /** Ends the run early: all that it has opened is closed, and it is rejected. */
  readonly signal: AbortSignal;
}

/** A checkout, with the lineups of the selected cases. */
interface Side {
  readonly bench: Bench;
  readonly lineups: readonly Lineup[];
}

export async function runBench(options: RunOptions): Promise<Report> {
  const { signal } = options;
  const opened = new Opened();
  const ended = Promise.withResolvers<never>();
  const end = () => ended.reject(signal.reason);
  signal.addEventListener('abort', end);
  try {
    return await Promise.race([measure(options, opened), ended.promise]);
  } finally {
    signal.removeEventListener('abort', end);
    await opened.close();
  }
}

async function measure(options: RunOptions, opened: Opened): Promise<Report> {
  const { rounds, seed, sizes, only, against, isUnrolled, signal } = options;
  const startedAt = new Date();
  const machine = describeMachine();
  const selected = cases.filter(({ name }) => only.includes(name));
  bundle(join(import.meta.dirname, '..'));
  const other =
    against === undefined
      ? undefined
      : await opened.add(unpackCommit(against, signal), ({ remove }) => remove());
  // What is tried at a share of the most is tried at the same share of the same number on both.
  const context = { ...options, streamRates: [] };
  const ours = await openSide(await openBench(context, opened), selected, opened);
  const theirs =
    other && (await openSide(await openBench(context, opened, other.root), selected, opened));
  const sides = theirs ? [ours, theirs] : [ours];
  for (const { bench } of isUnrolled ? sides : []) {
    await opened.add(bench.postgres.holdRollups(), (release) => release());
  }
  const alone = new Alone(sizes.tries);
  const samples = await measureRounds(sides, selected, alone, options);
  const summarize = ({ lineups }: Side): Section[] =>
    selected.map((each, index) => summarizeCase(each, lineups[index] as Lineup, samples));
  const sections = summarize(ours);
  const { postgres } = ours.bench;
  const { server_version = '', ...settings } = await postgres.settings();
  return {
    startedAt: startedAt.toISOString(),
    minutes: (Date.now() - startedAt.getTime()) / 60_000,
    rounds,
    seed,
    sizes,
    machine: { ...machine, ...alone.describe() },
    versions: describeVersions(server_version),
    settings,
    schema: await postgres.schema(),
    goals: compareWithGoals(sections),
    ...(other && theirs && { against: compareSections(other.name, sections, summarize(theirs)) }),
    sections,
  };
}

async function openSide(bench: Bench, selected: readonly Case[], opened: Opened): Promise<Side> {
  await warmUp(bench);
  const lineups: Lineup[] = [];
  for (const each of selected) {
    lineups.push(await opened.add(each.open(bench), async (lineup) => lineup.close?.()));
  }
  return { bench, lineups };
}

/** Compilers, caches and pools of the collector, the same for all that follows. */
async function warmUp(bench: Bench): Promise<void> {
  await measureStream(bench);
  bench.streamRates.length = 0;
  await bench.postgres.reset();
  await warmUpPosts(bench);
}

/**
 * Each contestant once a round, beside itself of the other checkout; every other round in reverse,
 * so that nobody always goes first.
 */
async function measureRounds(
  sides: readonly Side[],
  selected: readonly Case[],
  alone: Alone,
  { rounds, onProgress, against }: RunOptions,
): Promise<ReadonlyMap<Contestant, Sample[]>> {
  const [ours] = sides as [Side];
  const turns = selected.flatMap((each, at) =>
    (ours.lineups[at] as Lineup).contestants.flatMap((_, index) =>
      sides.map((side) => ({
        contestant: side.lineups[at]?.contestants[index] as Contestant,
        title: `${side === ours ? '' : `${against}: `}${each.name}`,
      })),
    ),
  );
  const samples = new Map<Contestant, Sample[]>();
  for (let round = 0; round < rounds; round++) {
    for (const { contestant, title } of round % 2 === 0 ? turns : turns.toReversed()) {
      const sample = await alone.measure(async () => {
        for (const { bench } of sides) await bench.postgres.reset();
        return await contestant.measure();
      });
      samples.set(contestant, [...(samples.get(contestant) ?? []), sample]);
      const rate = Math.round(sample.rows / sample.seconds).toLocaleString('en');
      onProgress(`${round + 1}/${rounds} ${title}, ${contestant.name}: ${rate} rows/s`);
    }
  }
  return samples;
}
