import { type RawBuilder, sql, type Transaction } from 'kysely';
import type pg from 'pg';
import type { Database } from '../database/schema.ts';
import { type ChangedRow, rolledAfter, wasRolledOnWorker } from '../rollup/corrections.ts';
import { commitInTwoPhases } from './copy.ts';

/** What later records of calls say, and which rows of `stored` it changes, and how. */
interface Filling {
  readonly table: RawBuilder<unknown>;
  readonly later: readonly (Readonly<Record<string, unknown>> & { readonly row_id: string })[];
  readonly inRange: (column: string) => RawBuilder<unknown>;
  readonly assigned: RawBuilder<unknown>;
  /** The columns of `later`, with their types, and as they are taken. */
  readonly typed: RawBuilder<unknown>;
  readonly given: RawBuilder<unknown>;
  readonly isChanged: RawBuilder<unknown>;
}

interface Row {
  readonly place: string;
  readonly json: string;
  readonly was_rolled: boolean | null;
}

/**
 * Fills rows on the workers of a cluster, where a statement that changes rows can't tell what they
 * were before: three statements, with nobody else changing rows meanwhile (`awaitHistory`).
 */
export async function fillOnWorkers(
  trx: Transaction<Database>,
  client: pg.ClientBase,
  { table, later, inRange, assigned, typed, given, isChanged }: Filling,
): Promise<ChangedRow[]> {
  await commitInTwoPhases(client, 'usage');
  const ids = later.map(({ row_id }) => row_id);
  const read = async () => {
    const { rows } = await sql<Row>`
      select stored.id || ' ' || stored."timestamp" as place, to_jsonb(stored)::text as json,
        ${wasRolledOnWorker('stored')} as was_rolled
      from ${table} as stored
      where stored.id = any(${ids}::uuid[]) and ${inRange('stored.timestamp')}`.execute(trx);
    return new Map(rows.map((row) => [row.place, row]));
  };
  const before = await read();
  await sql`
    update ${table} as stored set ${assigned}, rolled = ${rolledAfter('stored')}
    from (
      select ${given} from json_to_recordset(${JSON.stringify(later)}::json) as record (${typed})
    ) as later
    where stored.id = later.row_id and stored."timestamp" = later.row_time
      and ${inRange('stored.timestamp')} and (${isChanged})`.execute(trx);
  const after = await read();
  return [...before].flatMap(([place, was]) => {
    const is = after.get(place);
    if (!is || is.json === was.json) return [];
    return [{ before: was.json, after: is.json, was_rolled: was.was_rolled }];
  });
}
