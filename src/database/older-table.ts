import { type Kysely, type RawBuilder, sql, type Transaction } from 'kysely';
import { kindNames, relationsNamed } from './catalog.ts';
import type { DataTable } from './expected-tables.ts';
import type { Database } from './schema.ts';

/** An older table that can't be copied as it is; the message says what to do. */
export class AdoptionObstacle extends Error {}

/** A table that was set aside, and how its rows are read. */
export interface OlderTable {
  readonly name: string;
  readonly target: DataTable;
  /** The how manieth table of that name it is, from 0. */
  readonly number: number;
  readonly columns: Readonly<Record<string, string>>;
  /** The column in whose order it is copied, which is never null. */
  readonly key: string;
  readonly keyType: string;
  /** The time zone in which times without a zone are read. */
  readonly timeZone: string;
}

const integers = ['smallint', 'integer', 'bigint'];
const otherKeys = ['uuid', 'numeric', 'text', 'character varying', 'character'];
const times = ['timestamp without time zone', 'timestamp with time zone', 'date'];

export const hasIntegerKey = ({ keyType }: OlderTable): boolean => integers.includes(keyType);

/** Undefined where somebody has dropped it; throws an `AdoptionObstacle`. */
export async function openOlderTable(
  db: Kysely<Database>,
  name: string,
  timeZone: string,
): Promise<OlderTable | undefined> {
  return await db.transaction().execute((trx) => openIn(trx, name, timeZone));
}

async function openIn(
  db: Transaction<Database>,
  name: string,
  timeZone: string,
): Promise<OlderTable | undefined> {
  // Several collectors would make the same index at once.
  const { target, number } = await db
    .selectFrom('adoption')
    .select(['target', 'number'])
    .where('source', '=', name)
    .forUpdate()
    .executeTakeFirstOrThrow();
  const relation = (await relationsNamed(db, [name])).get(name);
  if (!relation) return undefined;
  if (!['r', 'p'].includes(relation.kind)) throw notCopied(name, target, relation.kind);
  checkColumns(name, target, relation.columns);
  const key = (await usableId(db, name, relation.columns)) ?? (await ownKey(db, name));
  // Without an index each chunk would read the whole table.
  await sql`create index if not exists ${sql.ref(`${name}_adoption`)} on ${sql.table(name)} (${sql.ref(key)})`.execute(
    db,
  );
  await noteTotal(db, name);
  const keyType = relation.columns[key] ?? 'bigint';
  return { name, target, number, columns: relation.columns, key, keyType, timeZone };
}

export const notCopied = (name: string, target: string, kind: string): AdoptionObstacle =>
  new AdoptionObstacle(
    `${name} is ${kindNames(kind)}, whose rows are not copied: insert into ${target} what you want of them, and drop ${name}`,
  );

function checkColumns(
  name: string,
  target: DataTable,
  columns: Readonly<Record<string, string>>,
): void {
  const type = columns.timestamp ?? 'missing';
  if (!times.includes(type)) {
    throw new AdoptionObstacle(
      `the column timestamp of ${name} is ${type}: make it a timestamp, and the rows are copied`,
    );
  }
  if (target === 'system_telemetry' && !columns.event_type) {
    throw new AdoptionObstacle(
      `${name} has no column event_type: add one, with a text for each row, and they are copied`,
    );
  }
}

async function usableId(
  db: Kysely<Database>,
  name: string,
  columns: Readonly<Record<string, string>>,
): Promise<string | undefined> {
  if (![...integers, ...otherKeys].includes(columns.id ?? '')) return undefined;
  const { rows } = await sql`select from ${sql.table(name)} where id is null limit 1`.execute(db);
  return rows.length === 0 ? 'id' : undefined;
}

/** A numbering of our own. */
async function ownKey(db: Kysely<Database>, name: string): Promise<string> {
  await sql`
    alter table ${sql.table(name)}
      add column if not exists adoption_id bigint generated always as identity`.execute(db);
  return 'adoption_id';
}

async function noteTotal(db: Kysely<Database>, name: string): Promise<void> {
  await sql`
    update adoption set rows_total = (select count(*) from ${sql.table(name)})
    where source = ${name} and rows_total is null`.execute(db);
}

/** The id of an adopted row, from which its older one can be told as long as it fits. */
export function adoptedId(table: OlderTable): RawBuilder<unknown> {
  const key = sql`legacy.${sql.ref(table.key)}`;
  const kind = table.target === 'system_telemetry' ? 1 : 2;
  const hex = table.number.toString(16).padStart(12, '0');
  const prefix = `${hex.slice(0, 8)}-${hex.slice(8)}-800${kind}-8000-`;
  const hashed = sql`
    overlay(overlay(md5(${`${prefix}/`} || ${key}::text) placing '8' from 13) placing '8' from 17)::uuid`;
  if (table.keyType === 'uuid') return key;
  if (!hasIntegerKey(table)) return hashed;
  return sql`
    case when ${key} between 0 and 281474976710655
      then (${prefix} || lpad(to_hex(${key}::bigint), 12, '0'))::uuid else ${hashed} end`;
}

/** The time of a row; one without a time was written about when the one before it was, or after. */
export function adoptedTime(table: OlderTable, otherwise: Date): RawBuilder<unknown> {
  const key = sql.ref(table.key);
  const neighbour = (condition: RawBuilder<unknown>, order: RawBuilder<unknown>) => sql`(
    select ${inZone(table)} from ${sql.table(table.name)} as neighbour
    where ${condition} and neighbour."timestamp" is not null
    order by ${order} limit 1
  )`;
  return sql`
    coalesce(
      ${inZone(table)},
      ${neighbour(sql`neighbour.${key} <= legacy.${key}`, sql`neighbour.${key} desc`)},
      ${neighbour(sql`neighbour.${key} > legacy.${key}`, sql`neighbour.${key}`)},
      ${otherwise.toISOString()}::timestamptz
    )`;
}

function inZone({ columns, timeZone }: OlderTable): RawBuilder<unknown> {
  const hasZone = columns.timestamp === 'timestamp with time zone';
  return hasZone ? sql`"timestamp"` : sql`"timestamp"::timestamp at time zone ${timeZone}`;
}
