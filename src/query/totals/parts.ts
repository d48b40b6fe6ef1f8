import { type RawBuilder, sql } from 'kysely';
import type { RecordKind } from '../../records/tables.ts';
import type { LevelColumns } from '../../rollup/fresh-parts.ts';
import type { Dimension } from '../ask/dimensions.ts';
import type { Filter } from '../ask/filters.ts';
import { instantText } from '../ask/instants.ts';
import type { Span } from '../ask/time-range.ts';
import type { Measured } from './measures.ts';

/** What is to be added up. */
export interface Question {
  readonly kind: RecordKind;
  readonly span: Span;
  readonly filter: Filter;
  readonly groupBy: readonly Dimension[];
  /** Only groups that meet it, by their columns g0 and so on. */
  readonly groupsThat?: RawBuilder<boolean>;
  /** Borders of parts of the span that are told apart; undefined: none. */
  readonly bordersUs: readonly number[] | undefined;
  readonly measured: Measured;
  /** Whether the number that is measured is one that rollups have. */
  readonly rolledValue: boolean;
  /** Whether quantiles are asked for, and whether of groups too, or of all together alone. */
  readonly quantiles: boolean | 'of all';
}

/** The values of a group by the order of `groupBy`; null for records without. */
export type Group = readonly (string | null)[];

/** Where the numbers of an answer come from. */
export type SourceKind = 'rows' | 'rollups' | 'rollups and rows';

/**
 * What adds up to an answer, as two queries, the second of which is made where it is wanted. `sums`
 * has the columns g0, g1 and so on of the groups, `bucket`, counted from 0, and one for each measure;
 * `cells` the `place` of a group among those that are told apart, `bucket`, and either `what` for
 * which of the quantified numbers, and a sketch's `key` and `count`; or whole sketches.
 */
export interface Parts {
  readonly sums: RawBuilder<unknown>;
  readonly cells: ReadCells;
  /** Whether each of `cells` has a sketch of each quantified number, by the columns `sketchParts`. */
  readonly hasSketches?: boolean;
  /**
   * Where sketches of all together are quicker to read than those of each group, these; `alone`:
   * those of groups are not wanted at all.
   */
  readonly whole?: (alone?: 'alone') => Promise<WholeCells | undefined>;
  readonly source: SourceKind;
  /** The bounds where they are others than those that were asked for. */
  readonly rounded?: Span;
  /** Whether rows have answered for what rollups have as the rest. */
  readonly hasRest?: boolean;
}

/** How sketches are read: what waits to be folded has one of both. */
export type SketchColumns = Exclude<LevelColumns, 'totals'>;

/** Of all, those of no group at place 0; where none is named, that is all there is. */
export type ReadCells = (
  groups: readonly Group[],
  what?: SketchColumns,
) => Promise<RawBuilder<unknown>>;

export interface WholeCells {
  readonly all: (what: SketchColumns) => Promise<RawBuilder<unknown>>;
  readonly ofGroups: ReadCells;
}

/** A sketch by its keys and counts, and in one piece where it is known so. */
export const sketchParts = (what: number) => ({
  keys: sql.ref<number[]>(`keys${what}`),
  counts: sql.ref<number[]>(`counts${what}`),
  cells: sql.ref<Buffer | null>(`cells${what}`),
});

export const groupColumn = (index: number): RawBuilder<string | null> => sql.ref(`g${index}`);

/** With a comma after each. */
export const listed = (columns: readonly RawBuilder<unknown>[]): RawBuilder<unknown> =>
  sql.join(
    columns.map((column) => sql`${column}, `),
    sql``,
  );

/** Which part of the span a time is in. */
export function bucketOf(
  time: RawBuilder<unknown>,
  bordersUs: readonly number[] | undefined,
): RawBuilder<number> {
  if (!bordersUs) return sql`0`;
  const begins = bordersUs.slice(0, -1).map(instantText);
  return sql`(width_bucket(${time}, ${begins}::timestamptz[]) - 1)`;
}

/** Only of groups that the question wants. */
export const wanted = (
  { groupsThat }: Question,
  query: RawBuilder<unknown>,
): RawBuilder<unknown> =>
  groupsThat ? sql`select * from (${query}) as all_groups where ${groupsThat}` : query;
