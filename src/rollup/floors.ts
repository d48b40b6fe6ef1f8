import { type Kysely, sql } from 'kysely';
import type { Database } from '../database/schema.ts';
import { byKind, type RecordKind } from '../records/tables.ts';
import { dayMs } from '../units.ts';
import { type Level, levels, quarterMs, quartersIn } from './shapes.ts';

/** Before when retention may have removed what there was: in milliseconds, or -Infinity. */
export interface Floors {
  readonly rowsMs: Readonly<Record<RecordKind, number>>;
  /** Never later than the rows': what is no longer there in rows, is in some level. */
  readonly levelsMs: Readonly<Record<Level, number>>;
}

/** Columns of `rollup_state`. */
export const rowsFloor = { event: 'raw_floor', usage: 'usage_raw_floor' } as const satisfies Record<
  RecordKind,
  string
>;
export const levelFloor = {
  quarter: 'quarter_floor',
  hour: 'hour_floor',
  day: 'day_floor',
} as const satisfies Record<Level, string>;

/**
 * How far back rows and levels reach. They move up in the transaction that removes something: in
 * one snapshot with what is read, they are right.
 */
export async function readFloors(db: Kysely<Database>): Promise<Floors> {
  const floor = (column: string) => sql`
    case when isfinite(${sql.ref(column)})
      then (extract(epoch from ${sql.ref(column)}) * 1000)::bigint end as ${sql.ref(column)}`;
  const columns = [...Object.values(rowsFloor), ...Object.values(levelFloor)];
  const { rows } = await sql<Record<string, number | null>>`
    select ${sql.join(columns.map(floor))} from rollup_state`.execute(db);
  const of = (column: string) => rows[0]?.[column] ?? -Infinity;
  return {
    rowsMs: byKind((kind) => of(rowsFloor[kind])),
    levelsMs: Object.fromEntries(
      levels.map((level) => [level, of(levelFloor[level])]),
    ) as Floors['levelsMs'],
  };
}

/**
 * From when on a question can be answered that asks from a time on: from just then where the rows
 * are still there, and otherwise from the beginning of the quarter hour, hour or day that it lies
 * in, whichever is the finest that is still known.
 */
export function answeredFrom(askedMs: number, kind: RecordKind, floors: Floors): number {
  const { rowsMs, levelsMs } = floors;
  if (askedMs >= rowsMs[kind] || (askedMs % quarterMs === 0 && askedMs >= levelsMs.quarter)) {
    return askedMs;
  }
  for (const level of levels) {
    const length = quartersIn[level] * quarterMs;
    const beginMs = Math.floor(askedMs / length) * length;
    if (beginMs >= levelsMs[level]) return beginMs;
  }
  return Math.ceil(levelsMs.day / dayMs) * dayMs;
}

/** The same of the end: that of a quarter hour, hour or day. */
export function answeredTo(askedMs: number, kind: RecordKind, floors: Floors): number {
  const { rowsMs, levelsMs } = floors;
  if (askedMs >= rowsMs[kind]) return askedMs;
  for (const level of levels) {
    const length = quartersIn[level] * quarterMs;
    const endMs = Math.ceil(askedMs / length) * length;
    if (endMs - length >= levelsMs[level]) return endMs;
  }
  return Math.ceil(levelsMs.day / dayMs) * dayMs;
}

/** The finest level that reaches back to a time, of one and those that are coarser. */
export function levelFrom(fromMs: number, finest: Level, { levelsMs }: Floors): Level {
  const coarser = levels.slice(levels.indexOf(finest));
  return coarser.find((level) => fromMs >= levelsMs[level]) ?? 'day';
}
