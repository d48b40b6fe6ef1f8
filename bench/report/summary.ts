import type { Lineup, Sample, Table } from '../support/bench.ts';
import { median } from '../support/statistics.ts';

/** Over the rounds. */
export interface Spread {
  readonly median: number;
  readonly min: number;
  readonly max: number;
}

const parts = ['client', 'collector', 'postgres'] as const;
type Part = (typeof parts)[number];

export interface Summary {
  readonly name: string;
  readonly rowsPerSecond: Spread;
  /** Processor time by stored row. */
  readonly cpuUsPerRow: Readonly<Partial<Record<Part, Spread>>>;
  readonly figures: Readonly<Record<string, Spread>>;
  readonly samples: readonly Sample[];
}

/** A case, with its results. */
export interface Section {
  readonly name: string;
  readonly title: string;
  readonly summaries: readonly Summary[];
  readonly missing: readonly { readonly name: string; readonly reason: string }[];
  readonly tables: readonly Table[];
}

export function summarizeCase(
  { name, title }: { readonly name: string; readonly title: string },
  { contestants, missing = [], tables = [] }: Lineup,
  samples: ReadonlyMap<unknown, readonly Sample[]>,
): Section {
  const summaries = contestants.map((each) => summarize(each.name, samples.get(each) ?? []));
  return { name, title, summaries, missing, tables };
}

function summarize(name: string, samples: readonly Sample[]): Summary {
  const cpu = parts
    .filter((part) => samples.every(({ cpuSeconds }) => cpuSeconds[part] !== undefined))
    .map((part) => [part, spread(samples.map((sample) => usPerRow(sample, part)))]);
  const figures = Object.keys(samples[0]?.figures ?? {}).map((figure) => [
    figure,
    spread(samples.map((sample) => sample.figures[figure] as number)),
  ]);
  return {
    name,
    rowsPerSecond: spread(samples.map(({ rows, seconds }) => rows / seconds)),
    cpuUsPerRow: Object.fromEntries(cpu),
    figures: Object.fromEntries(figures),
    samples,
  };
}

/** NaN where there is no such part. */
export const usPerRow = ({ cpuSeconds, rows }: Sample, part: Part): number =>
  ((cpuSeconds[part] ?? Number.NaN) * 1e6) / rows;

/** Of what is a number: a sample in which everything was refused has no costs for each row. */
export function spread(all: readonly number[]): Spread {
  const values = all.filter(Number.isFinite);
  return { median: median(values), min: Math.min(...values), max: Math.max(...values) };
}
