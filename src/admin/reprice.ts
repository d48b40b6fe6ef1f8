import { type Kysely, sql, type Transaction } from 'kysely';
import { correctedUsage } from '../commit/corrected-usage.ts';
import { isCostOurs, type NewCost, writeCosts } from '../commit/written-costs.ts';
import { isDistributed } from '../database/cluster/layout.ts';
import { underOurNames } from '../database/older-names.ts';
import type { Database } from '../database/schema.ts';
import { decimalText } from '../prices/decimal.ts';
import type { Pricer } from '../prices/pricer.ts';
import { type CostRow, costColumns, storedCall } from '../prices/stored.ts';
import type { ChangedRow } from '../rollup/corrections.ts';

/** A cost before and after, in dollars. */
export interface CostDifference extends NewCost {
  /** Null for none. */
  readonly before: string | null;
  readonly after: string;
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
        await onChanged(trx, await writeCosts(trx, differences));
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
    // Also of what the sweep has not taken over yet.
    .select(underOurNames(costColumns))
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
    .where(isCostOurs)
    .orderBy('timestamp')
    .orderBy('id')
    .limit(chunkRows);
  // On workers no rows are locked: nobody else changes them meanwhile.
  return (await (dryRun || onWorkers ? query : query.forUpdate()).execute()) as Row[];
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
