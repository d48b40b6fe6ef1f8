import { type Kysely, sql, type Transaction } from 'kysely';
import { correctedUsage } from '../commit/corrected-usage.ts';
import { isDistributed } from '../database/cluster/layout.ts';
import type { Database } from '../database/schema.ts';
import { decimalText } from '../prices/decimal.ts';
import type { Pricer } from '../prices/pricer.ts';
import { type CostRow, costColumns, storedCall } from '../prices/stored.ts';
import { costSources } from '../records/cost-source.ts';
import type { ChangedRow } from '../rollup/corrections.ts';

/** A cost before and after, in dollars. */
export interface CostDifference {
  readonly id: string;
  /** Of the record, to the microsecond, as PostgreSQL writes it. */
  readonly timestamp: string;
  /** All of the record before, as JSON. */
  readonly row: string;
  /** Null for none. */
  readonly before: string | null;
  readonly after: string;
  /** By which prices it is now. */
  readonly source: string;
  /** See `ChangedRow`. */
  readonly was_rolled: boolean | null;
}

/** Told of the rows in the transaction that changes them, so that what sums costs up follows. */
export type OnChanged = (
  trx: Transaction<Database>,
  changed: readonly ChangedRow[],
) => Promise<void>;

export interface RepriceOptions {
  readonly since: Date;
  /** The end, excluded; absent for none. */
  readonly until?: Date;
  /** Changes nothing. */
  readonly dryRun: boolean;
}

/** What one transaction did. */
export interface RepriceStep {
  readonly rows: number;
  readonly differences: readonly CostDifference[];
  /** Everything before it is done: where to begin after an interruption. */
  readonly doneUntil: string;
}

/** Rows of one transaction: it holds locks on them for a fraction of a second. */
const chunkRows = 1000;

/** Unpriced, or computed: no client's own. */
const isOurs = sql<boolean>`(cost_usd is null
  or starts_with(cost_source, ${costSources.list}) or starts_with(cost_source, ${costSources.own}))`;

type Row = CostRow & {
  readonly id: string;
  readonly at: string;
  readonly row: string;
  readonly was_rolled: boolean | null;
  readonly cost: string | null;
};

/**
 * Computes costs anew, by the prices of the moment: those that were computed, and those that are
 * missing; never a client's own. In short transactions; done again it changes nothing, so that one
 * that was interrupted is simply begun again.
 */
export async function* reprice(
  db: Kysely<Database>,
  pricer: Pricer,
  options: RepriceOptions,
  onChanged: OnChanged = correctedUsage.correct,
): AsyncGenerator<RepriceStep> {
  let place = { at: options.since.toISOString(), id: '00000000-0000-0000-0000-000000000000' };
  for (;;) {
    const step = await db.transaction().execute(async (trx) => {
      if (!options.dryRun) await correctedUsage.begin(trx);
      const onWorkers = await isDistributed(trx, 'usage_stats');
      const rows = await nextRows(trx, options, place, onWorkers);
      const differences = rows.flatMap((row) => difference(pricer, row) ?? []);
      if (!options.dryRun && differences.length > 0) {
        await onChanged(trx, await update(trx, differences, onWorkers));
      }
      return { rows, differences };
    });
    const last = step.rows.at(-1);
    if (!last) return;
    place = last;
    yield { rows: step.rows.length, differences: step.differences, doneUntil: last.at };
    if (step.rows.length < chunkRows) return;
  }
}

async function nextRows(
  trx: Transaction<Database>,
  { until, dryRun }: RepriceOptions,
  place: { at: string; id: string },
  onWorkers: boolean,
): Promise<Row[]> {
  const query = trx
    .selectFrom('usage_stats')
    .select(costColumns)
    .select([
      'id',
      sql<string>`to_jsonb(usage_stats)::text`.as('row'),
      correctedUsage.wasRolled('usage_stats', onWorkers).as('was_rolled'),
      sql<string>`"timestamp"::text`.as('at'),
      sql<number>`(extract(epoch from "timestamp") * 1000)::float8`.as('time_ms'),
      sql<string | null>`cost_usd::text`.as('cost'),
    ])
    .where(sql<boolean>`("timestamp", id) > (${place.at}::timestamptz, ${place.id}::uuid)`)
    .where('timestamp', '>=', sql<Date>`${place.at}::timestamptz`)
    .where('timestamp', '<', until ?? sql<Date>`'infinity'`)
    .where(isOurs)
    .orderBy('timestamp')
    .orderBy('id')
    .limit(chunkRows);
  // On workers no rows are locked: nobody else changes them meanwhile.
  return await (dryRun || onWorkers ? query : query.forUpdate()).execute();
}

/**
 * What changes of a row; undefined where nothing does. A cost stays where there is no price any
 * more: somebody may have left out the file of own prices.
 */
function difference(pricer: Pricer, row: Row): CostDifference | undefined {
  const priced = pricer.price(storedCall(row));
  if (typeof priced === 'string') return undefined;
  const { id, at: timestamp, row: json, was_rolled, cost: before } = row;
  const after = decimalText(priced.cost);
  if (after === before) return undefined;
  return { id, timestamp, row: json, before, after, source: priced.source, was_rolled };
}

async function update(
  trx: Transaction<Database>,
  differences: readonly CostDifference[],
  onWorkers: boolean,
): Promise<ChangedRow[]> {
  const column = (of: (difference: CostDifference) => string) => differences.map(of);
  const { rows } = await sql<ChangedRow>`
    update usage_stats as stored
    set cost_usd = given.cost, cost_source = given.source, rolled = ${correctedUsage.rolledAfter('stored')}
    from unnest(
      ${column(({ id }) => id)}::uuid[],
      ${column(({ timestamp }) => timestamp)}::timestamptz[],
      ${column(({ after }) => after)}::numeric[],
      ${column(({ source }) => source)}::text[],
      ${column(({ row }) => row)}::text[],
      ${differences.map(({ was_rolled }) => was_rolled)}::boolean[]
    ) as given (id, "timestamp", cost, source, before, was_rolled)
    where stored."timestamp" = given."timestamp" and stored.id = given.id
      and ${isOurs}
    returning ${onWorkers ? sql`stored.id` : sql`given.before, to_jsonb(stored)::text as after, given.was_rolled`}`.execute(
    trx,
  );
  return onWorkers ? await changedOnWorkers(trx, differences) : rows;
}

/** A statement that changes rows on workers can't tell what they have become. */
async function changedOnWorkers(
  trx: Transaction<Database>,
  differences: readonly CostDifference[],
): Promise<ChangedRow[]> {
  const times = differences.map(({ timestamp }) => timestamp);
  const { rows } = await sql<{ id: string; at: string; after: string }>`
    select id, "timestamp"::text as at, to_jsonb(usage_stats)::text as after from usage_stats
    where id = any(${differences.map(({ id }) => id)}::uuid[])
      and "timestamp" between ${times[0]}::timestamptz and ${times.at(-1)}::timestamptz`.execute(
    trx,
  );
  const placeOf = (id: string, at: string) => `${id} ${at}`;
  const after = new Map(rows.map((row) => [placeOf(row.id, row.at), row.after]));
  return differences.flatMap(({ id, timestamp, row, was_rolled }) => {
    const is = after.get(placeOf(id, timestamp));
    return is === undefined || is === row ? [] : [{ before: row, after: is, was_rolled }];
  });
}
