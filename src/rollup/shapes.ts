import { type RawBuilder, sql } from 'kysely';
import type { RecordKind } from '../records/tables.ts';
import { type CountedSum, isNotOk, metadataNumber, usageSums } from './sums.ts';

/** A column of numbers that are counted by size. */
interface CountedValue {
  readonly column: string;
  /** Of the columns of its totals. */
  readonly prefix: string;
}

/**
 * Records whose series meet a condition, counted under a name of its own. Of one series its values
 * say it; of many together, a number that a level may not have: then it is null.
 */
interface CountedApart {
  readonly name: string;
  /** Of a row of a table of series. */
  readonly of: (series: string) => RawBuilder<boolean>;
}

/** Dimensions whose combinations have rows of their own. */
export interface Margin {
  readonly name: string;
  readonly dimensions: readonly string[];
}

export interface LaterMargin extends Margin {
  /** Margins that add up to the same, whatever a collector knows: by each dimension, or of everything. */
  readonly within: readonly string[];
}

/** How the records of a kind are rolled up. */
export interface Shape {
  readonly kind: RecordKind;
  /** Columns whose values together are a series, in the order of the table. */
  readonly dimensions: readonly string[];
  /** The column that says how many records there are. */
  readonly count: string;
  readonly values: readonly CountedValue[];
  /** What is added up exactly. */
  readonly sums: readonly CountedSum[];
  readonly apart?: CountedApart;
  /** Dimensions that have rows of their own, for all series together that have the same in it. */
  readonly margins: readonly string[];
  /** Those that the release before does not know, whose collectors leave out their rows. */
  readonly laterMargins: readonly LaterMargin[];
  readonly seriesTable: string;
  readonly levelTables: Readonly<Record<Level, string>>;
}

/** From the finest on: each bucket lies within one of the next. */
export const levels = ['quarter', 'hour', 'day'] as const;
export type Level = (typeof levels)[number];

/** Of a quarter hour. */
export const quarterMs = 900_000;
/** The margin of everything. */
export const all = 'all';
/** How many of them a bucket of a level has. */
export const quartersIn: Readonly<Record<Level, number>> = { quarter: 1, hour: 4, day: 96 };

const levelTables = (kind: RecordKind) => ({
  quarter: `${kind}_rollup_quarter`,
  hour: `${kind}_rollup_hour`,
  day: `${kind}_rollup_day`,
});

export const eventShape: Shape = {
  kind: 'event',
  dimensions: ['event_type', 'component', 'status'],
  count: 'events',
  values: [{ column: 'value', prefix: '' }],
  sums: [metadataNumber('tokens_generated'), metadataNumber('total_tokens')],
  apart: { name: 'not_ok', of: (series) => isNotOk(sql.ref(`${series}.status`)) },
  margins: ['component'],
  laterMargins: [{ name: 'event_type', dimensions: ['event_type'], within: [all] }],
  seriesTable: 'event_series',
  levelTables: levelTables('event'),
};

const usageDimensions = ['model', 'layer', 'provider', 'operation', 'agent', 'team', 'project'];

export const usageShape: Shape = {
  kind: 'usage',
  dimensions: usageDimensions,
  count: 'requests',
  values: [
    { column: 'duration_ms', prefix: 'duration_' },
    { column: 'time_to_first_token_ms', prefix: 'first_token_' },
  ],
  sums: usageSums,
  margins: usageDimensions,
  laterMargins: [
    { name: 'model+layer', dimensions: ['model', 'layer'], within: ['model', 'layer'] },
  ],
  seriesTable: 'usage_series',
  levelTables: levelTables('usage'),
};

export const shapes: readonly Shape[] = [eventShape, usageShape];

/** All that have rows of their own, in the order in which a series is part of them. */
export const marginsOf = ({ margins, laterMargins }: Shape): readonly Margin[] => [
  ...margins.map((name) => ({ name, dimensions: [name] })),
  { name: all, dimensions: [] },
  ...laterMargins,
];

/** What is kept of each value, beside its sketch. */
export const measureColumns = [
  'n',
  'sum',
  'min',
  'max',
  'nans',
  'positive_infinities',
  'negative_infinities',
] as const;
export type MeasureName = (typeof measureColumns)[number];
/** Whether it is not a number of records. */
export const isExtent = (name: MeasureName): boolean =>
  name === 'sum' || name === 'min' || name === 'max';
export const sketchColumns = ['keys', 'counts', 'cells'] as const;

const ofValues = (shape: Shape, names: readonly string[]) =>
  shape.values.flatMap(({ prefix }) => names.map((name) => prefix + name));

/** Columns of the tables of all levels, in the order in which they are copied. */
export const levelColumns = (shape: Shape): string[] => [
  'bucket',
  'series',
  shape.count,
  ...ofValues(shape, measureColumns),
  ...shape.sums.map(({ name }) => name),
  ...(shape.apart ? [shape.apart.name] : []),
  ...ofValues(shape, sketchColumns),
];

/** Their types: of others beside them PostgreSQL would make one, number by number. */
export const levelColumnTypes = (shape: Shape): Readonly<Record<string, string>> => {
  const types: Record<string, string> = {
    bucket: 'timestamptz',
    series: 'int',
    [shape.count]: 'bigint',
    ...(shape.apart && { [shape.apart.name]: 'bigint' }),
  };
  for (const { prefix } of shape.values) {
    for (const name of measureColumns) types[prefix + name] = isExtent(name) ? 'float8' : 'bigint';
    for (const name of sketchColumns) types[prefix + name] = name === 'cells' ? 'bytea' : 'int[]';
  }
  return Object.fromEntries(levelColumns(shape).map((name) => [name, types[name] ?? 'numeric']));
};

/** Numbers that are none, or without end, are counted apart. */
export const finite = (column: RawBuilder<unknown>): RawBuilder<number | null> =>
  sql`(case when ${column} not in ('NaN', 'Infinity', '-Infinity') then ${column} end)`;
