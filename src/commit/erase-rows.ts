import { type RawBuilder, sql, type Transaction } from 'kysely';
import type pg from 'pg';
import { isDistributed } from '../database/cluster/layout.ts';
import type { Database } from '../database/schema.ts';
import { type RecordKind, tables } from '../records/tables.ts';
import { awaitHistory, takeAway, wasRolled } from '../rollup/corrections.ts';
import { type Shape, shapes } from '../rollup/shapes.ts';
import { commitInTwoPhases } from './copy.ts';
import { type Subject, spellings } from './erasures.ts';
import { tableIn } from './schema-in-use.ts';

/** Whether something is of somebody: by its metadata, or by a field of its own. */
function isOf(
  { field, value }: Subject,
  metadata: RawBuilder<unknown>,
  own?: RawBuilder<unknown>,
): RawBuilder<boolean> {
  const inMetadata = spellings[field].flatMap((name) => [
    sql`${metadata} ->> ${sql.lit(name)} = ${value}`,
    sql`${metadata} -> 'resource' ->> ${sql.lit(name)} = ${value}`,
  ]);
  return sql<boolean>`(${sql.join([...(own ? [sql`${own} = ${value}`] : []), ...inMetadata], sql` or `)})`;
}

/** Erases the rows of somebody from a table, and what is rolled up of them; resolves with how many there were. */
export async function eraseRows(
  trx: Transaction<Database>,
  client: pg.ClientBase,
  kind: RecordKind,
  subject: Subject,
): Promise<number> {
  const shape = shapes.find((each) => each.kind === kind) as Shape;
  await awaitHistory(trx, shape);
  // The tables are read from end to end.
  await sql`set local statement_timeout = 0`.execute(trx);
  const own = kind === 'usage' ? sql.ref(`stored.${subject.field}`) : undefined;
  const condition = isOf(subject, sql`stored.metadata`, own);
  if (await isDistributed(trx, tables[kind].name)) {
    return await eraseOnWorkers(trx, client, shape, condition);
  }
  const { rows } = await sql<{ erased: number }>`
    with gone as (
      delete from ${tableIn(client, tables[kind].name)} as stored
      where ${condition}
      returning stored.*, ${wasRolled(shape, 'stored')} as was_rolled
    ), source as (
      select * from gone where was_rolled
    ), taken_away as (${takeAway(shape)})
    select count(*) as erased from gone`.execute(trx);
  return rows[0]?.erased ?? 0;
}

/** The same where rows lie on workers: what they were comes together before it is added up. */
async function eraseOnWorkers(
  trx: Transaction<Database>,
  client: pg.ClientBase,
  shape: Shape,
  condition: RawBuilder<boolean>,
): Promise<number> {
  const table = tableIn(client, tables[shape.kind].name);
  const gone = sql.id('pg_temp', `telemetry_erased_${shape.kind}`);
  await commitInTwoPhases(client, shape.kind);
  await sql`create temporary table ${gone} (like ${table}) on commit drop`.execute(trx);
  await sql`
    with gone as (delete from ${table} as stored where ${condition} returning *)
    insert into ${gone} select * from gone`.execute(trx);
  await sql`
    with source as (select * from ${gone} where rolled is not false) ${takeAway(shape)}`.execute(
    trx,
  );
  const { rows } = await sql<{ erased: number }>`
    select count(*) as erased from ${gone}`.execute(trx);
  return rows[0]?.erased ?? 0;
}

/**
 * How a text stands in JSON: as a string, as one in the JSON of a string, as a number. By itself it
 * may be a part of what is said of others.
 */
function inJson(value: string): string[] {
  const string = JSON.stringify(value);
  const ends = Number.isFinite(Number(value)) ? [',', '}'] : [];
  const numbers = ends.flatMap((end) => [`:${value}${end}`, `: ${value}${end}`]);
  return [string, JSON.stringify(string).slice(1, -1), ...numbers];
}

/** A text as it stands in a tuple: its length, and its bytes. */
function inTuple(value: string): Buffer {
  const bytes = Buffer.from(value);
  const length = Buffer.alloc(4);
  length.writeInt32BE(bytes.length);
  return Buffer.concat([length, bytes]);
}

/** Erases the dead letters of somebody; of what can't be read, those that have the text in them. */
export async function eraseDeadLetters(
  trx: Transaction<Database>,
  client: pg.ClientBase,
  subject: Subject,
): Promise<number> {
  const marks = sql`unnest(${inJson(subject.value)}::text[]) as mark`;
  const { numAffectedRows } = await sql`
    delete from ${tableIn(client, 'dead_letters')} as letter
    where ${isOf(subject, sql`letter.payload -> 'metadata'`, sql`letter.payload ->> ${sql.lit(subject.field)}`)}
      or (letter.payload = '{}' and (
        position(${inTuple(subject.value)}::bytea in letter."row") > 0
        or exists (select from ${marks} where position(convert_to(mark, 'UTF8') in letter."row") > 0)
      ))
      or (letter.payload ? 'row'
        and exists (select from ${marks} where strpos(letter.payload ->> 'row', mark) > 0))`.execute(
    trx,
  );
  return Number(numAffectedRows ?? 0);
}
