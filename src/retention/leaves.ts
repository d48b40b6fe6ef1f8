import { type Kysely, sql } from 'kysely';
import { type Partition, partitionsOf } from '../database/catalog.ts';
import { shardFacts } from '../database/cluster/shard-facts.ts';
import type { DataTable } from '../database/expected-tables.ts';
import type { Database } from '../database/schema.ts';
import { type RecordKind, tables } from '../records/tables.ts';
import { isUnread } from '../rollup/history.ts';
import { shapes } from '../rollup/shapes.ts';
import { adoptedRows } from './adopted.ts';

/** Why the rows of a partition stay for now. */
export type Hold = 'adopted' | 'not dropped yet' | 'not rolled up' | 'of another role';

/** A partition of records that has an end. */
export interface Leaf extends Partition {
  readonly kind: RecordKind;
  readonly table: DataTable;
  readonly bytes: number;
  readonly hasRows: boolean;
  readonly hold?: Hold;
}

/** Partitions that end by a time, in order of it. */
export async function leavesBefore(
  db: Kysely<Database>,
  kind: RecordKind,
  beforeMs: number,
  dropsAdopted: boolean,
): Promise<Leaf[]> {
  const table = tables[kind].name;
  const old = (await partitionsOf(db, table)).filter(
    ({ isDefault, toMs }) => !isDefault && toMs <= beforeMs,
  );
  if (old.length === 0) return [];
  const adopted = await adoptedRows(db, table);
  const found = await lookInside(db, kind, old);
  return old.flatMap((partition) => {
    const inside = found.get(partition.name);
    if (!inside) return [];
    const { hasRows, bytes } = inside;
    const hold = holdOf(partition, inside.isUnread, dropsAdopted, adopted);
    return [{ ...partition, kind, table, hasRows, bytes, ...(hold && hasRows && { hold }) }];
  });
}

function holdOf(
  { isOwn, fromMs }: Partition,
  hasUnread: boolean,
  dropsAdopted: boolean,
  adopted: Awaited<ReturnType<typeof adoptedRows>>,
): Hold | undefined {
  if (fromMs < adopted.untilMs) {
    if (!dropsAdopted) return 'adopted';
    if (adopted.sources.length > 0) return 'not dropped yet';
  }
  if (hasUnread) return 'not rolled up';
  return isOwn ? undefined : 'of another role';
}

interface Inside {
  readonly name: string;
  readonly bytes: number;
  readonly hasRows: boolean;
  /** Rows from before there were rollups are still to be read. */
  readonly isUnread: boolean;
}

async function lookInside(
  db: Kysely<Database>,
  kind: RecordKind,
  partitions: readonly Partition[],
): Promise<Map<string, Inside>> {
  const looks = partitions.map(
    ({ name }) => sql`
    select ${name}::text as name, exists (select 1 from ${sql.table(name)}) as "hasRows"`,
  );
  const isRolled = shapes.some((shape) => shape.kind === kind);
  const { rows } = await sql<Inside>`
    select looks.*, coalesce(pg_total_relation_size(to_regclass(quote_ident(name))), 0)::bigint as bytes,
      ${isRolled} and ${isUnread(kind, sql.ref('name'))} as "isUnread"
    from (${sql.join(looks, sql` union all `)}) as looks`.execute(db);
  const onWorkers = await shardFacts(db);
  const bytesOf = ({ name, bytes }: Inside) => bytes + (onWorkers.get(name)?.bytes ?? 0);
  return new Map(rows.map((row) => [row.name, { ...row, bytes: bytesOf(row) }]));
}
