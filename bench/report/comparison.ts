import type { Sample } from '../support/bench.ts';
import { type Section, type Spread, spread, usPerRow } from './summary.ts';

/** This checkout beside another commit: ours by theirs, of the pairs that were measured in turn. */
export interface Comparison {
  /** The commit. */
  readonly name: string;
  readonly pairs: readonly Pair[];
  /** What was measured of the other one. */
  readonly sections: readonly Section[];
}

interface Pair {
  readonly case: string;
  readonly contestant: string;
  /** Of the rounds; without those where the other one has nothing. */
  readonly ratios: Readonly<Record<string, Spread>>;
}

export function compareSections(
  name: string,
  ours: readonly Section[],
  theirs: readonly Section[],
): Comparison {
  const pairs = ours.flatMap((section, at) =>
    section.summaries.map((summary, index) => ({
      case: section.name,
      contestant: summary.name,
      ratios: ratiosOf(summary.samples, theirs[at]?.summaries[index]?.samples ?? []),
    })),
  );
  return { name, pairs, sections: theirs };
}

function ratiosOf(ours: readonly Sample[], theirs: readonly Sample[]): Record<string, Spread> {
  const rounds = ours.map((sample, round) => {
    const other = numbersOf(theirs[round] as Sample);
    return Object.entries(numbersOf(sample)).map(
      ([name, value]) => [name, value / (other[name] as number)] as const,
    );
  });
  const names = rounds[0]?.map(([name]) => name) ?? [];
  const ratios = names.map((name, at) => {
    const values = rounds.map((round) => round[at]?.[1] as number);
    return [name, spread(values)] as const;
  });
  return Object.fromEntries(ratios.filter(([, { median }]) => Number.isFinite(median)));
}

/** All that was measured of a sample. */
function numbersOf(sample: Sample): Record<string, number> {
  return {
    'rows/s': sample.rows / sample.seconds,
    'client µs': usPerRow(sample, 'client'),
    'collector µs': usPerRow(sample, 'collector'),
    'PostgreSQL µs': usPerRow(sample, 'postgres'),
    ...sample.figures,
  };
}

/** Whether every round says that it is more, or every round that it is less, by a percent or so. */
export const isToldApart = ({ min, max }: Spread): boolean => max < 0.995 || min > 1.005;
