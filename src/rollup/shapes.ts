import type { RecordKind } from '../records/tables.ts';

/** How the records of a kind are rolled up. */
export interface Shape {
  readonly kind: RecordKind;
  /** Columns whose values together are a series, in the order of the table. */
  readonly dimensions: readonly string[];
  /** The column of numbers that are counted by size. */
  readonly value: string;
  /** Whole numbers that are summed up. */
  readonly sums: readonly string[];
  /** Whether those are in the metadata, and no columns. */
  readonly sumsInMetadata: boolean;
  /** Dimensions that have rows of their own, for all series together that have the same in it. */
  readonly margins: readonly string[];
  readonly seriesTable: string;
  readonly levelTables: Readonly<Record<Level, string>>;
}

/** From the finest on: each bucket lies within one of the next. */
export const levels = ['quarter', 'hour', 'day'] as const;
export type Level = (typeof levels)[number];

/** Of a quarter hour. */
export const quarterMs = 900_000;
/** How many of them a bucket of a level has. */
export const quartersIn: Readonly<Record<Level, number>> = { quarter: 1, hour: 4, day: 96 };

export const eventShape: Shape = {
  kind: 'event',
  dimensions: ['event_type', 'component', 'status'],
  value: 'value',
  sums: ['tokens_generated', 'total_tokens'],
  sumsInMetadata: true,
  margins: ['component'],
  seriesTable: 'event_series',
  levelTables: {
    quarter: 'event_rollup_quarter',
    hour: 'event_rollup_hour',
    day: 'event_rollup_day',
  },
};

export const shapes: readonly Shape[] = [eventShape];

/** Columns of the tables of all levels, in the order in which they are copied. */
export const levelColumns = (shape: Shape): string[] => [
  'bucket',
  'series',
  'events',
  'n',
  'sum',
  'min',
  'max',
  'nans',
  'positive_infinities',
  'negative_infinities',
  ...shape.sums,
  'keys',
  'counts',
];
