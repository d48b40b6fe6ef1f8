import { hash } from 'node:crypto';
import { type RawBuilder, sql, type Transaction } from 'kysely';
import type pg from 'pg';
import type { Batch } from '../buffer/batch.ts';
import type { Database } from '../database/schema.ts';
import { byKind, type RecordKind, recordKinds, tables } from '../records/tables.ts';
import { readRowStart, readTuple } from '../records/tuples.ts';
import { awaitHistory, type ChangedRow, correct, wasRolled } from '../rollup/corrections.ts';
import { type Shape, shapes } from '../rollup/shapes.ts';
import { tableOf } from './copy.ts';
import { rowsOf } from './divide.ts';
import { tableIn } from './schema-in-use.ts';
import type { Portion } from './stored-before.ts';

/** Whose records are erased: those of a user, or of a session. */
export interface Subject {
  readonly field: 'user_id' | 'session_id';
  readonly value: string;
}

/** What metadata calls them, here and in its `resource`. */
const spellings = {
  user_id: ['user_id', 'user.id', 'userId'],
  session_id: ['session_id', 'session.id', 'sessionId'],
} as const;

const hashOf = (field: string, value: string): Buffer =>
  hash('sha256', `${field}\0${value}`, 'buffer');

/** From its commit on no drain writes what was received of somebody before. */
export async function noteErasure(
  trx: Transaction<Database>,
  { field, value }: Subject,
): Promise<void> {
  await trx
    .insertInto('erasures')
    .values({ field, hash: hashOf(field, value) })
    .execute();
}

/** Resolves when no drain is under way that does not know of erasures noted before. */
export async function awaitDrains(
  trx: Transaction<Database>,
  client: pg.ClientBase,
): Promise<void> {
  await sql`lock table ${tableIn(client, 'erasures')} in exclusive mode`.execute(trx);
}

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
  const { rows } = await sql<ChangedRow>`
    delete from ${tableIn(client, tables[kind].name)} as stored
    where ${isOf(subject, sql`stored.metadata`, own)}
    returning to_jsonb(stored)::text as before, ${wasRolled(shape, 'stored')} as was_rolled`.execute(
    trx,
  );
  await correct(
    trx,
    shape,
    rows.map((row) => ({ ...row, after: null })),
  );
  return rows.length;
}

/** Erases the dead letters of somebody; of what can't be read, those that have the text in them. */
export async function eraseDeadLetters(
  trx: Transaction<Database>,
  client: pg.ClientBase,
  subject: Subject,
): Promise<number> {
  const { numAffectedRows } = await sql`
    delete from ${tableIn(client, 'dead_letters')} as letter
    where ${isOf(subject, sql`letter.payload -> 'metadata'`, sql`letter.payload ->> ${sql.lit(subject.field)}`)}
      or (letter.payload = '{}' and position(convert_to(${subject.value}, 'UTF8') in letter."row") > 0)
      or (letter.payload ? 'row' and strpos(letter.payload ->> 'row', ${subject.value}) > 0)`.execute(
    trx,
  );
  return Number(numAffectedRows ?? 0);
}

/** What is erased, with the time in microseconds until which it was received. */
type Erasures = ReadonlyMap<string, number>;

/** Those that concern what batches of the spool hold. None is noted until the COMMIT. */
export async function readErasures(
  trx: Transaction<Database>,
  client: pg.ClientBase,
  batches: readonly Batch[],
): Promise<Erasures> {
  const since = new Date(Math.min(...batches.map(receivedMs)));
  await sql`lock table ${tableIn(client, 'erasures')} in row share mode`.execute(trx);
  const { rows } = await sql<{ key: string; us: number }>`
    select encode(hash, 'hex') as key, (extract(epoch from erased_at) * 1000000)::bigint as us
    from ${tableIn(client, 'erasures')} where erased_at >= ${since} order by erased_at`.execute(
    trx,
  );
  return new Map(rows.map(({ key, us }) => [key, Number(us)]));
}

/** All records of a batch are observed at one time. */
function receivedMs({ rows }: Batch): number {
  const copy = recordKinds.map((kind) => rows[kind].copy).find(({ length }) => length > 0);
  const start = copy && readable(() => readRowStart(copy));
  return start ? Math.floor(start.observedAtUs / 1000) : Date.now();
}

/** Undefined for what is damaged, which is told elsewhere. */
function readable<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch {
    return undefined;
  }
}

/** A portion without the rows that are erased, and how many these are. */
export function withoutErased(portion: Portion, erasures: Erasures): Portion {
  if (erasures.size === 0) return portion;
  const rows = byKind((kind) => {
    const kept = rowsOf(portion.batch.rows[kind].copy).filter(
      (row) => !isErased(kind, row, erasures),
    );
    return { count: kept.length, copy: Buffer.concat(kept) };
  });
  const erased = byKind((kind) => portion.batch.rows[kind].count - rows[kind].count);
  if (recordKinds.every((kind) => erased[kind] === 0)) return portion;
  const batch: Batch = { ...portion.batch, rows };
  return { ...portion, batch, erased };
}

function isErased(kind: RecordKind, row: Uint8Array, erasures: Erasures): boolean {
  const start = readable(() => readRowStart(row));
  const known = readable(() => readTuple(row, tableOf(kind, row)));
  if (!start || !known) return false;
  const { metadata, ...values } = known;
  const said = (of: unknown, name: string) => (of as Record<string, unknown> | undefined)?.[name];
  return Object.entries(spellings).some(([field, names]) => {
    const resource = said(metadata, 'resource');
    const found = [
      values[field],
      ...names.flatMap((name) => [said(metadata, name), said(resource, name)]),
    ];
    return found.some((value) => {
      if (typeof value !== 'string' && typeof value !== 'number') return false;
      const until = erasures.get(hashOf(field, String(value)).toString('hex'));
      return until !== undefined && start.observedAtUs <= until;
    });
  });
}
