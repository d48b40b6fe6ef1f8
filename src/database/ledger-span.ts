import { type Kysely, sql } from 'kysely';
import type { Database } from './schema.ts';

/**
 * From when on the ledger remembers batch ids, by the time inside them: what is older it has
 * forgotten, except for ids that were claimed since.
 */
export async function ledgerBeginMs(db: Kysely<Database>): Promise<number> {
  const { rows } = await sql<{ day: string | null }>`
    select min(right(child.relname, 8)) as day
    from pg_inherits join pg_class as child on child.oid = inhrelid
    where inhparent = to_regclass('batch_ledger') and child.relname ~ '^batch_ledger_\\d{8}$'`.execute(
    db,
  );
  const day = rows[0]?.day;
  if (!day) return -Infinity;
  return Date.parse(`${day.slice(0, 4)}-${day.slice(4, 6)}-${day.slice(6)}`);
}
