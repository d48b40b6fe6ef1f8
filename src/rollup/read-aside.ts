import { type RawBuilder, sql } from 'kysely';
import type { Trx } from './state.ts';

/** Columns by name, with their types. */
export type Columns = Readonly<Record<string, string>>;

/** With more than these a table is not handed from one statement to another. */
const fieldsMax = 400_000;

/**
 * A query of rows that lie on workers, as a table for another statement: asked by itself, with its
 * answer in that statement. Citus makes the plan of the whole of a statement, however long, several
 * times where any part of it is about workers; what is about tables of the coordinator alone it
 * leaves to PostgreSQL. Where the answer is a long one, the table is the query.
 */
export async function readAside(
  trx: Trx,
  query: RawBuilder<unknown>,
  columns: Columns,
): Promise<RawBuilder<unknown>> {
  const rowsMax = Math.floor(fieldsMax / Object.keys(columns).length);
  const { rows } = await sql<{ found: string | null }>`
    select case when count(*) <= ${rowsMax} then coalesce(json_agg(found), '[]')::text end as found
    from (${query} limit ${rowsMax + 1}) as found`.execute(trx);
  const found = rows[0]?.found;
  if (typeof found === 'string') return asTable(found, columns);
  return sql`(with added as materialized (${query}) select * from added)`;
}

/** A list of objects in JSON. */
export function asTable(json: string, columns: Columns): RawBuilder<unknown> {
  const typed = Object.entries(columns).map(
    ([name, type]) => sql`${sql.ref(name)} ${sql.raw(type)}`,
  );
  return sql`(select * from json_to_recordset(${json}::json) as found (${sql.join(typed)}))`;
}
