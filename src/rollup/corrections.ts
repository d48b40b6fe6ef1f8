import { type RawBuilder, sql } from 'kysely';
import { isDistributed } from '../database/cluster/layout.ts';
import { tables } from '../records/tables.ts';
import { writeFresh } from './pack-sql.ts';
import type { Shape } from './shapes.ts';
import { lockState, type Trx } from './state.ts';

/** A row that was changed, as JSON of all its columns. */
export interface ChangedRow {
  readonly before: string;
  readonly after: string;
  /** What `wasRolled` said of it. */
  readonly was_rolled: boolean | null;
}

/** Rows that are corrected by one statement. */
const correctedTogether = 5000;

/**
 * Keeps older rows from being read until the transaction ends: to be called before rows are changed
 * that may be among them.
 */
export async function awaitHistory(trx: Trx, { kind }: Shape): Promise<void> {
  // What a row on a worker was before is read by a statement of its own: one changes rows at a time.
  if (await isDistributed(trx, tables[kind].name)) await lockState(trx, true);
  await sql`
    select from rollup_history where kind = ${kind} and finished_at is null for share`.execute(trx);
}

/**
 * Whether a row is rolled up; null where a sweep will do that, with what the row says then. Of rows
 * from before there were rollups, those are that have been read.
 */
export const wasRolled = ({ kind }: Shape, row: string): RawBuilder<boolean | null> => {
  const [rolled, time] = [sql.ref(`${row}.rolled`), sql.ref(`${row}.timestamp`)];
  return sql`
    case when ${rolled} then true when ${rolled} is null then not exists (
      select from rollup_history as history join pg_class as leaf on leaf.relname = partition_name
      where history.kind = ${kind} and finished_at is null and leaf.oid = ${sql.ref(`${row}.tableoid`)}
        and ${time} >= read_to
    ) end`;
};

/** The same of a row on a worker: none is distributed before all of before are read. */
export const wasRolledOnWorker = (row: string): RawBuilder<boolean | null> =>
  sql`case when ${sql.ref(`${row}.rolled`)} is not false then true end`;

/** What `rolled` is of a row that is changed: one that nobody has read yet is rolled up by that. */
export const rolledAfter = (row: string): RawBuilder<boolean> =>
  sql`(${sql.ref(`${row}.rolled`)} is not false)`;

/**
 * Corrects what is rolled up by what rows were before and are now, in the transaction that changes
 * them. Their series have numbers.
 */
export async function correct(
  trx: Trx,
  shape: Shape,
  changed: readonly ChangedRow[],
): Promise<void> {
  const ours = changed.filter(({ was_rolled }) => was_rolled !== null);
  for (let at = 0; at < ours.length; at += correctedTogether) {
    const some = ours.slice(at, at + correctedTogether);
    const before = some.map((row) => (row.was_rolled ? row.before : null));
    const after = some.map((row) => row.after);
    await sql`
      with changed as (
        select before, after, ${sameValues(shape)} as same
        from unnest(${before}::jsonb[], ${after}::jsonb[]) as changed (before, after)
      ), signed as (
        select true as is_removed, before - same as record from changed where before is not null
        union all
        select false, after - same from changed
      ), source as (
        select is_removed, row.*
        from signed, jsonb_populate_record(null::${sql.table(tables[shape.kind].name)}, record) as row
      )
      ${writeFresh(shape, sql`source.is_removed`)}`.execute(trx);
  }
}

/** A statement that takes the rows of the query `source` away from what is rolled up. */
export const takeAway = (shape: Shape): RawBuilder<unknown> => writeFresh(shape, sql`true`);

/** Values that stay where they are: taken away and added again, they would look like extremes that are gone. */
function sameValues({ dimensions, values }: Shape): RawBuilder<unknown> {
  const isSame = (name: string) =>
    sql`before -> ${sql.lit(name)} is not distinct from after -> ${sql.lit(name)}`;
  const columns = values.map(
    ({ column }) => sql`case when ${isSame(column)} then ${sql.lit(column)} end`,
  );
  return sql`
    case when before is not null and ${sql.join(dimensions.map(isSame), sql` and `)}
      then array_remove(array[${sql.join(columns)}]::text[], null) else '{}'::text[] end`;
}
