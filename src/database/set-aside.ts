import { sql, type Transaction } from 'kysely';
import { dependentsOf, freeName, partitionsOf, relationsNamed } from './catalog.ts';
import { type DataTable, dataTables, type ExpectedName } from './expected-tables.ts';
import { notCopied } from './older-table.ts';
import type { Database } from './schema.ts';

type Trx = Transaction<Database>;

/** A table of foreign make that was renamed to make room for ours. */
export interface Aside {
  readonly table: ExpectedName;
  readonly name: string;
  readonly kind: string;
  /** Views and foreign keys that go on referring to it. */
  readonly dependents: readonly string[];
}

/** How `adoption` tells our tables from others of such names, should it be lost itself. */
const mark = 'set aside by gravitas-telemetry';

const legacyName = (table: string, number: number): string =>
  number === 0 ? `${table}_legacy` : `${table}_legacy_${number + 1}`;

/** The inverse; undefined for other names. */
function legacyNumber(table: string, name: string): number | undefined {
  if (name === legacyName(table, 0)) return 0;
  const [, digits] = new RegExp(`^${table}_legacy_(\\d{1,9})$`).exec(name) ?? [];
  return digits === undefined ? undefined : Number(digits) - 1;
}

/** Renames a table and its partitions to names that nobody has had before. */
export async function setAside(trx: Trx, table: ExpectedName, isNew: boolean): Promise<Aside> {
  const kind = (await relationsNamed(trx, [table])).get(table)?.kind ?? '';
  const dependents = await dependentsOf(trx, table);
  const name = await nextName(trx, table, isNew);
  for (const { name: leaf } of await partitionsOf(trx, table)) {
    await rename(trx, leaf, await freeName(trx, leaf.replace(table, name)));
  }
  await rename(trx, table, name);
  if (['r', 'p'].includes(kind)) {
    await sql`comment on table ${sql.table(name)} is ${sql.lit(mark)}`.execute(trx);
  }
  return { table, name, kind, dependents };
}

/** Somebody has detached it from our table, or renamed that. */
export async function setDefaultAside(trx: Trx, table: ExpectedName): Promise<void> {
  const name = `${table}_default`;
  const found = (await relationsNamed(trx, [name])).get(name);
  if (!found || found.parent === table) return;
  await rename(trx, name, await freeName(trx, `${name}_detached`));
}

async function rename(trx: Trx, from: string, to: string): Promise<void> {
  await sql`alter table ${sql.table(from)} rename to ${sql.ref(to)}`.execute(trx);
}

/** Rows of an adoption have its number in their ids: it must not come again. */
async function nextName(trx: Trx, table: string, isNew: boolean): Promise<string> {
  const { size } = await relationsNamed(trx, ['adoption']);
  const known = size === 0 ? [] : await trx.selectFrom('adoption').select('source').execute();
  const numbers = known.map(({ source }) => legacyNumber(table, source) ?? 0);
  // The release before has forgotten an adoption whose table was dropped.
  let number = Math.max(isNew ? 0 : 1, ...numbers.map((used) => used + 1));
  while ((await relationsNamed(trx, [legacyName(table, number)])).size > 0) number++;
  return legacyName(table, number);
}

/** Has the rows of older tables copied into those of ours that are new. */
export async function noteAdoptions(
  trx: Trx,
  asides: readonly Aside[],
  lost: readonly string[],
): Promise<void> {
  for (const target of dataTables) {
    const isLost = lost.includes(target);
    if (isLost) await startAgain(trx, target);
    if (lost.includes('adoption')) await findAgain(trx, target, !isLost);
    const aside = asides.find(({ table }) => table === target);
    if (aside) await noteAdoption(trx, target, aside);
    if (isLost) await passOnRights(trx, target);
  }
}

async function noteAdoption(trx: Trx, target: DataTable, { name, kind }: Aside): Promise<void> {
  const copyable = ['r', 'p'].includes(kind);
  await trx
    .insertInto('adoption')
    .values({
      source: name,
      target,
      number: legacyNumber(target, name) ?? 0,
      obstacle: copyable ? null : notCopied(name, target, kind).message,
    })
    .onConflict((conflict) => conflict.doNothing())
    .execute();
}

async function startAgain(trx: Trx, target: DataTable): Promise<void> {
  await trx
    .updateTable('adoption')
    .set({ last_id: null, last_key: null, rows_copied: '0', rows_refused: '0', finished_at: null })
    .where('target', '=', target)
    .where('dropped_at', 'is', null)
    .execute();
}

/** Tables that had been set aside before `adoption` was lost. */
async function findAgain(trx: Trx, target: DataTable, checked: boolean): Promise<void> {
  const { rows } = await sql<{ name: string }>`
    select relname as name from pg_class as class join pg_namespace as space on space.oid = relnamespace
    where nspname = current_schema() and starts_with(relname, ${`${target}_legacy`})
      and relkind in ('r', 'p')
      and (
        obj_description(class.oid, 'pg_class') = ${mark}
        -- The release before made an index on it.
        or exists (
          select from pg_index join pg_class as index on index.oid = indexrelid
          where indrelid = class.oid and index.relname = class.relname || '_adoption'
        )
      )`.execute(trx);
  for (const { name } of rows) {
    const number = legacyNumber(target, name);
    if (number === undefined) continue;
    await trx
      .insertInto('adoption')
      .values({ source: name, target, number, checked })
      .onConflict((conflict) => conflict.doNothing())
      .execute();
  }
}

/** Whoever could use the older table can use ours, and whoever owned it owns ours. */
async function passOnRights(trx: Trx, target: DataTable): Promise<void> {
  const sources = await trx
    .selectFrom('adoption')
    .select('source')
    .where('target', '=', target)
    .orderBy('number', 'desc')
    .execute();
  const existing = await relationsNamed(
    trx,
    sources.map(({ source }) => source),
  );
  const source = sources.find((known) => existing.has(known.source))?.source;
  if (source === undefined) return;
  const { rows } = await sql<{ statement: string; step: number }>`
    select 1 as step, format('grant %s on %I to %s', acl.privilege_type, ${target}::text,
      case when acl.grantee = 0 then 'public' else quote_ident(pg_get_userbyid(acl.grantee)) end
    ) as statement
    from ${classNamed(source)}, aclexplode(coalesce(relacl, acldefault('r', relowner))) as acl
    where acl.privilege_type in
      ('SELECT', 'INSERT', 'UPDATE', 'DELETE', 'TRUNCATE', 'REFERENCES', 'TRIGGER')
    union all
    select 2, format('grant all on %I to %I', ${target}::text, current_user)
    from ${classNamed(source)} where pg_get_userbyid(relowner) <> current_user
    union all
    select 3, format('alter table %I owner to %I', ${target}::text, pg_get_userbyid(relowner))
    from ${classNamed(source)}
    where pg_get_userbyid(relowner) <> current_user
      and has_schema_privilege(relowner, current_schema(), 'create')
    order by step`.execute(trx);
  for (const { statement } of rows) await sql.raw(statement).execute(trx);
}

const classNamed = (name: string) => sql`(
  select relacl, relowner from pg_class join pg_namespace as space on space.oid = relnamespace
  where nspname = current_schema() and relname = ${name}
) as class`;
