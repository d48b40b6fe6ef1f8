import { type Kysely, sql } from 'kysely';
import { dayMs } from '../units.ts';
import { batchIdAgeMsMax, ledgerHorizonMs } from './ledger-span.ts';
import type { Database } from './schema.ts';

/** As much as is looked through in one transaction, which holds nobody off. */
const blocksMax = 2000;
/** A large table is looked through in a day, an hour's part each hour. */
const hours = 24;

/**
 * Forgets the calls that no record can be about any more: what is older than the oldest that is
 * accepted, by a day. Goes by the same clocks as the ledger. Looks for them from end to end: an
 * index of the times would cost each call a third of its claim (decision 19).
 */
export async function forgetCalls(
  db: Kysely<Database>,
  oursMs: number,
  recordAgeMsMax: number,
): Promise<void> {
  const ledgerMs = await ledgerHorizonMs(db, oursMs);
  if (ledgerMs === -Infinity) return;
  const horizon = new Date(ledgerMs + batchIdAgeMsMax - recordAgeMsMax - dayMs);
  const { from, to } = await blocksOfThisHour(db);
  for (let at = from; at < to; at += blocksMax) {
    const end = Math.min(at + blocksMax, to);
    await sql`
      delete from ${sql.table('call_claims')}
      where ctid >= ${`(${at},0)`}::tid and ctid < ${`(${end},0)`}::tid
        and claimed_at < ${horizon}`.execute(db);
  }
}

/** All of them where there are few. */
async function blocksOfThisHour(db: Kysely<Database>): Promise<{ from: number; to: number }> {
  const { rows } = await sql<{ blocks: number; hour: number }>`
    select pg_relation_size('call_claims') / current_setting('block_size')::int as blocks,
      extract(hour from now() at time zone 'UTC')::int as hour`.execute(db);
  const { blocks, hour } = rows[0] ?? { blocks: 0, hour: 0 };
  const parts = Math.max(1, Math.min(hours, Math.ceil(blocks / blocksMax)));
  const start = (part: number) => Math.floor((blocks * part) / parts);
  return { from: start(hour % parts), to: start((hour % parts) + 1) };
}
