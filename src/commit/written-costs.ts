import { type RawBuilder, sql, type Transaction } from 'kysely';
import { isDistributed } from '../database/cluster/layout.ts';
import type { Database } from '../database/schema.ts';
import { tables } from '../records/tables.ts';
import { type ChangedRow, rolledAfter } from '../rollup/corrections.ts';

/** Another cost of a row. */
export interface NewCost {
  readonly id: string;
  /** Of the record, to the microsecond. */
  readonly timestamp: string;
  /** All of the record before, as JSON. */
  readonly row: string;
  /** In dollars; null for none, and so is its source. */
  readonly after: string | null;
  readonly source: string | null;
  /** See `ChangedRow`. */
  readonly was_rolled: boolean | null;
}

/** Unpriced, or computed: no client's own. */
export const isCostOurs = sql<boolean>`(cost_usd is null or coalesce(cost_source ~ '^(list|own)@', false))`;

/** Writes costs, never over a client's own; resolves with the rows as they were and are. */
export async function writeCosts(
  trx: Transaction<Database>,
  costs: readonly NewCost[],
  table: RawBuilder<unknown> = sql.table(tables.usage.name),
): Promise<readonly ChangedRow[]> {
  if (costs.length === 0) return [];
  const onWorkers = await isDistributed(trx, tables.usage.name);
  const column = (of: (cost: NewCost) => string | null) => costs.map(of);
  const changed = sql`given.before, to_jsonb(stored)::text as after, given.was_rolled`;
  const { rows } = await sql<ChangedRow>`
    update ${table} as stored
    set cost_usd = given.cost, cost_source = given.source, rolled = ${rolledAfter('stored')}
    from unnest(
      ${column(({ id }) => id)}::uuid[],
      ${column(({ timestamp }) => timestamp)}::timestamptz[],
      ${column(({ after }) => after)}::numeric[],
      ${column(({ source }) => source)}::text[],
      ${column(({ row }) => row)}::text[],
      ${costs.map(({ was_rolled }) => was_rolled)}::boolean[]
    ) as given (id, "timestamp", cost, source, before, was_rolled)
    where stored."timestamp" = given."timestamp" and stored.id = given.id
      and ${isCostOurs}
    returning ${onWorkers ? sql`stored.id` : changed}`.execute(trx);
  return onWorkers ? await changedOnWorkers(trx, costs, table) : rows;
}

/** A statement that changes rows on workers can't tell what they have become. */
async function changedOnWorkers(
  trx: Transaction<Database>,
  costs: readonly NewCost[],
  table: RawBuilder<unknown>,
): Promise<ChangedRow[]> {
  const { rows } = await sql<{ after: string }>`
    select to_jsonb(stored)::text as after from ${table} as stored
    where id = any(${costs.map(({ id }) => id)}::uuid[])
      and "timestamp" = any(${costs.map(({ timestamp }) => timestamp)}::timestamptz[])`.execute(
    trx,
  );
  const after = new Map(rows.map((row) => [placeOf(row.after), row.after]));
  return costs.flatMap(({ row, was_rolled }) => {
    const is = after.get(placeOf(row));
    return is === undefined || is === row ? [] : [{ before: row, after: is, was_rolled }];
  });
}

function placeOf(row: string): string {
  const { id, timestamp } = JSON.parse(row) as Record<string, string>;
  return `${id} ${timestamp}`;
}
