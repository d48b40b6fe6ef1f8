import { type Kysely, type RawBuilder, sql } from 'kysely';
import { uuidV7TimeMs } from '../uuid.ts';
import type { Database } from './schema.ts';

/**
 * What the schema in use holds. Names are looked up in `current_schema()` alone, where our tables
 * are created: another installation may have its own further down the search path.
 */
export interface Relation {
  readonly name: string;
  /** As in `pg_class.relkind`: r for a table, p for a partitioned one, v for a view. */
  readonly kind: string;
  /** What it is partitioned by, null if it is not: `RANGE (batch_id)`. */
  readonly key: string | null;
  readonly columns: Readonly<Record<string, string>>;
  /** What it is a partition of. */
  readonly parent: string | null;
  readonly has_default: boolean;
  /** Columns each of which alone tells its rows apart, by an index. */
  readonly keys: readonly string[];
  /** The OIDs of its partitions. */
  readonly partitions: readonly number[];
}

/** As in `pg_class.relkind`. */
export function kindNames(kind: string): string {
  const names: Record<string, string> = {
    r: 'a table that is not partitioned',
    p: 'a partitioned table',
    v: 'a view',
    m: 'a materialized view',
    f: 'a foreign table',
  };
  return names[kind] ?? 'no table';
}

export async function relationsNamed(
  db: Kysely<Database>,
  names: readonly string[],
): Promise<Map<string, Relation>> {
  const { rows } = await sql<Relation>`
    select relname as name, relkind as kind, pg_get_partkeydef(class.oid) as key,
      coalesce((
        select json_object_agg(attname, format_type(atttypid, null)) from pg_attribute
        where attrelid = class.oid and attnum > 0 and not attisdropped
      ), '{}') as columns,
      (select inhparent::regclass::text from pg_inherits where inhrelid = class.oid limit 1) as parent,
      exists (
        select from pg_partitioned_table where partrelid = class.oid and partdefid <> 0
      ) as has_default,
      coalesce((
        select json_agg(attname) from pg_index
          join pg_attribute on attrelid = indrelid and attnum = indkey[0]
        where indrelid = class.oid and indnkeyatts = 1
          and indisunique and indisvalid and indimmediate and indpred is null
      ), '[]') as keys,
      coalesce((
        select json_agg(inhrelid::bigint) from pg_inherits where inhparent = class.oid
      ), '[]') as partitions
    from pg_class as class join pg_namespace as space on space.oid = relnamespace
    where nspname = current_schema() and relname = any(${names})`.execute(db);
  return new Map(rows.map((row) => [row.name, row]));
}

/** Columns of a relation that are not generated from others. */
export async function writableColumns(db: Kysely<Database>, name: string): Promise<string[]> {
  const { rows } = await sql<{ attname: string }>`
    select attname from pg_attribute join pg_class as class on class.oid = attrelid
      join pg_namespace as space on space.oid = relnamespace
    where nspname = current_schema() and relname = ${name}
      and attnum > 0 and not attisdropped and attgenerated = ''`.execute(db);
  return rows.map((row) => row.attname);
}

/** The first of `name`, `name_2`, `name_3` … that nothing has. */
export async function freeName(db: Kysely<Database>, name: string): Promise<string> {
  for (let number = 1; ; number++) {
    const tried = number === 1 ? name : `${name}_${number}`;
    if ((await relationsNamed(db, [tried])).size === 0) return tried;
  }
}

export interface Partition {
  readonly name: string;
  /** Its bounds, from the first to before the second; the default partition has none. */
  readonly fromMs: number;
  readonly toMs: number;
  readonly isDefault: boolean;
  /** Whether this role may drop it. */
  readonly isOwn: boolean;
}

/** The partitions of a table in order of time; their names mean nothing. */
export async function partitionsOf(db: Kysely<Database>, table: string): Promise<Partition[]> {
  const { rows } = await sql<{
    name: string;
    isDefault: boolean;
    isOwn: boolean;
    from: string;
    to: string;
  }>`
    select leaf.relname as name, bounds = 'DEFAULT' as "isDefault",
      pg_has_role(leaf.relowner, 'usage') as "isOwn",
      ${bound(sql`'FROM'`)} as from, ${bound(sql`'TO'`)} as to
    from pg_class as parent join pg_namespace as space on space.oid = parent.relnamespace
      join pg_inherits on inhparent = parent.oid join pg_class as leaf on leaf.oid = inhrelid,
      pg_get_expr(leaf.relpartbound, leaf.oid) as bounds
    where nspname = current_schema() and parent.relname = ${table}`.execute(db);
  const partitions = rows.map(({ from, to, ...row }) => ({
    ...row,
    fromMs: boundMs(from, -Infinity),
    toMs: boundMs(to, Infinity),
  }));
  return partitions.toSorted((a, b) => a.fromMs - b.fromMs);
}

/** A time as milliseconds, whatever the session's style of dates is, or a UUID as it is. */
function bound(side: RawBuilder<unknown>): RawBuilder<unknown> {
  const text = sql`substring(bounds from ${side} || ' \\(''([^'']+)''\\)')`;
  return sql`case when ${text} like '%:%'
    then (extract(epoch from ${text}::timestamptz) * 1000)::bigint::text else ${text} end`;
}

function boundMs(bound: string | null, otherwise: number): number {
  if (bound === null) return otherwise;
  return bound.includes('-', 1) ? uuidV7TimeMs(bound) : Number(bound);
}

/** Views and foreign keys that refer to a relation, as people write them. */
export async function dependentsOf(db: Kysely<Database>, name: string): Promise<string[]> {
  const { rows } = await sql<{ dependent: string }>`
    with relation as (
      select class.oid from pg_class as class join pg_namespace as space on space.oid = relnamespace
      where nspname = current_schema() and relname = ${name}
    )
    select 'view ' || ev_class::regclass as dependent
    from relation join pg_depend on refobjid = relation.oid and refclassid = 'pg_class'::regclass
      join pg_rewrite on pg_rewrite.oid = objid and classid = 'pg_rewrite'::regclass
    where ev_class <> relation.oid
    union
    select 'foreign key ' || conname || ' of ' || conrelid::regclass
    from relation join pg_constraint on confrelid = relation.oid
    where contype = 'f' and conrelid <> relation.oid
    order by 1`.execute(db);
  return rows.map((row) => row.dependent);
}
