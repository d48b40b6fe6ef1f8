import { type Kysely, sql, type Transaction } from 'kysely';
import { hourMs } from '../units.ts';
import { partitionsOf } from './catalog.ts';
import type { Database } from './schema.ts';

const mark = 'knows ids from ';

/**
 * From when on the ledger remembers batch ids, by the time inside them: what is older it has
 * forgotten, except for ids that were claimed since.
 */
export async function ledgerBeginMs(db: Kysely<Database>): Promise<number> {
  const days = (await partitionsOf(db, 'batch_ledger')).filter(({ isDefault }) => !isDefault);
  const { rows } = await sql<{ comment: string | null }>`
    select obj_description(pg_class.oid, 'pg_class') as comment
    from pg_class join pg_namespace on pg_namespace.oid = relnamespace
    where nspname = current_schema() and relname = 'batch_ledger'`.execute(db);
  const comment = rows[0]?.comment ?? '';
  const remade = comment.startsWith(mark) ? Date.parse(comment.slice(mark.length)) : -Infinity;
  return Math.max(days[0]?.fromMs ?? -Infinity, remade);
}

/** A ledger that was lost and made anew knows nothing of before, of clocks that are ahead neither. */
export async function noteLedgerBegin(trx: Transaction<Database>): Promise<void> {
  const begin = new Date(Date.now() + hourMs).toISOString();
  await sql`comment on table batch_ledger is ${sql.lit(mark + begin)}`.execute(trx);
}
