import { type Kysely, sql } from 'kysely';
import { dayMs } from '../units.ts';
import { batchIdAgeMsMax, ledgerHorizonMs } from './ledger-span.ts';
import type { Database } from './schema.ts';

/** As many as are forgotten in one transaction, which holds nobody off. */
const claimsMax = 10_000;

/**
 * Forgets the calls that no record can be about any more: what is older than the oldest that is
 * accepted, by a day. Goes by the same clocks as the ledger.
 */
export async function forgetCalls(
  db: Kysely<Database>,
  oursMs: number,
  recordAgeMsMax: number,
): Promise<void> {
  const ledgerMs = await ledgerHorizonMs(db, oursMs);
  if (ledgerMs === -Infinity) return;
  const horizon = new Date(ledgerMs + batchIdAgeMsMax - recordAgeMsMax - dayMs);
  for (let forgotten = claimsMax; forgotten === claimsMax; ) {
    const { numAffectedRows } = await sql`
      delete from ${sql.table('call_claims')} where call_key = any(array(
        select call_key from ${sql.table('call_claims')}
        where claimed_at < ${horizon} order by claimed_at limit ${claimsMax}
      ))`.execute(db);
    forgotten = Number(numAffectedRows);
  }
}
