import { sql, type Transaction } from 'kysely';
import { type ExpectedName, uniqueColumn } from './expected-tables.ts';
import type { Database } from './schema.ts';

/** Of rows that have become equal without it, one is as good as another. */
export async function addKey(trx: Transaction<Database>, table: ExpectedName): Promise<void> {
  const [name, key] = [sql.table(table), sql.ref(uniqueColumn(table) ?? '')];
  await sql`lock table ${name} in access exclusive mode`.execute(trx);
  await sql`
    delete from ${name} as extra using ${name} as other
    where extra.${key} = other.${key} and (extra.tableoid, extra.ctid) > (other.tableoid, other.ctid)`.execute(
    trx,
  );
  await sql`create unique index on ${name} (${key})`.execute(trx);
}
