import { type Kysely, sql } from 'kysely';
import { isDistributed } from '../database/cluster/layout.ts';
import type { Database } from '../database/schema.ts';
import { tables } from '../records/tables.ts';
import type { Shape } from './shapes.ts';

/** How much longer than it takes a partition without the index is left alone after it was read. */
const restShare = 20;

interface Leaf {
  readonly name: string;
  /** Whether rows of others are found by an index. */
  readonly isIndexed: boolean;
  /** What PostgreSQL has counted of rows that were written. */
  readonly changes: number;
}

/** Finds the partitions with rows of others, without reading those again that have no index for it. */
export class SweptLeaves {
  readonly #seen = new Map<string, { readonly changes: number; readonly restsUntilMs: number }>();

  /** The names of those that have some. */
  async find(db: Kysely<Database>, shape: Shape): Promise<string[]> {
    if (await areNoneOnWorkers(db, tables[shape.kind].name)) return [];
    const leaves = await leavesOf(db, shape);
    const indexed = leaves.filter(({ isIndexed }) => isIndexed);
    const found = await withOthers(db, indexed);
    for (const leaf of leaves.filter((each) => !each.isIndexed && this.#isDue(each))) {
      const startedMs = Date.now();
      found.push(...(await withOthers(db, [leaf])));
      const restsUntilMs = Date.now() + restShare * (Date.now() - startedMs);
      this.#seen.set(leaf.name, { changes: leaf.changes, restsUntilMs });
    }
    return found;
  }

  #isDue({ name, changes }: Leaf): boolean {
    const seen = this.#seen.get(name);
    return !seen || (seen.changes !== changes && Date.now() >= seen.restsUntilMs);
  }
}

/** On a cluster each partition is as many tables as there are shards: all are asked at once before. */
async function areNoneOnWorkers(db: Kysely<Database>, table: string): Promise<boolean> {
  if (!(await isDistributed(db, table))) return false;
  const { rows } = await sql`
    select 1 from ${sql.table(table)} where rolled is false limit 1`.execute(db);
  return rows.length === 0;
}

async function leavesOf(db: Kysely<Database>, { kind }: Shape): Promise<Leaf[]> {
  const { rows } = await sql<Leaf>`
    select leaf.relname as name, exists (
      select from pg_index join pg_class as own on own.oid = indexrelid
      where indrelid = leaf.oid and indisvalid and indpred is not null
        and pg_get_expr(indpred, indrelid) ilike '%rolled is false%'
    ) as "isIndexed",
      pg_stat_get_tuples_inserted(leaf.oid) + pg_stat_get_tuples_updated(leaf.oid) as changes
    from pg_class as parent join pg_namespace as space on space.oid = parent.relnamespace
      join pg_inherits on inhparent = parent.oid join pg_class as leaf on leaf.oid = inhrelid
    where nspname = current_schema() and parent.relname = ${tables[kind].name}
    order by leaf.relname`.execute(db);
  return rows;
}

async function withOthers(db: Kysely<Database>, leaves: readonly Leaf[]): Promise<string[]> {
  if (leaves.length === 0) return [];
  const looks = leaves.map(
    ({ name }) => sql`
    select ${name}::text as name
    where exists (select 1 from ${sql.table(name)} where rolled is false)`,
  );
  return await db.transaction().execute(async (trx) => {
    // Of a partition that is not analyzed yet PostgreSQL takes half of the rows for such, and would
    // look through all of them for the first.
    await sql`set local enable_seqscan = off`.execute(trx);
    const { rows } = await sql<{ name: string }>`${sql.join(looks, sql` union all `)}`.execute(trx);
    return rows.map(({ name }) => name);
  });
}
