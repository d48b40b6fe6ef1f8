import { hash } from 'node:crypto';
import { sql, type Transaction } from 'kysely';
import pg from 'pg';
import type { Batch } from '../buffer/batch.ts';
import type { Database } from '../database/schema.ts';
import { StorableText } from '../records/storable.ts';
import { byKind, type RecordKind, recordKinds } from '../records/tables.ts';
import { readObservedAtMs, readTuple } from '../records/tuples.ts';
import { dayMs } from '../units.ts';
import { tableOf } from './copy.ts';
import { rowsOf } from './divide.ts';
import { schemaInUse, schemaPrefix, tableIn } from './schema-in-use.ts';
import { isKept } from './session.ts';
import type { Portion } from './stored-before.ts';

/** Whose records are erased: those of a user, or of a session. */
export interface Subject {
  readonly field: 'user_id' | 'session_id';
  /** As it is stored. */
  readonly value: string;
}

/** Of whom it is asked; what can't be stored is looked for as what it became. */
export const subject = (field: Subject['field'], value: string): Subject => ({
  field,
  value: new StorableText().text(value),
});

/** What metadata calls them, here and in its `resource`. */
export const spellings = {
  user_id: ['user_id', 'user.id', 'userId', 'enduser.id', 'user'],
  session_id: [
    ...['session_id', 'session.id', 'sessionId', 'session'],
    ...['conversation_id', 'conversation.id', 'gen_ai.conversation.id'],
  ],
} as const;

const hashOf = (field: string, value: string): Buffer =>
  hash('sha256', `${field}\0${value}`, 'buffer');

/** From its commit on nothing is written of somebody that was received before. */
export async function noteErasure(
  trx: Transaction<Database>,
  { field, value }: Subject,
): Promise<void> {
  await trx
    .insertInto('erasures')
    .values({ field, hash: hashOf(field, value) })
    .execute();
}

/** How long commits may have to wait behind us: they go on between two tries. */
const lockMs = 250;

/**
 * Whether no commit is under way any more that does not know of erasures noted before: it is to be
 * asked again in another transaction otherwise.
 */
export async function areAllKnown(
  trx: Transaction<Database>,
  client: pg.ClientBase,
): Promise<boolean> {
  try {
    await sql`set local lock_timeout = ${sql.lit(lockMs)}`.execute(trx);
    await sql`lock table ${tableIn(client, 'erasures')} in exclusive mode`.execute(trx);
    return true;
  } catch (error) {
    if (error instanceof pg.DatabaseError && error.code === lockNotAvailable) return false;
    throw error;
  }
}

const lockNotAvailable = '55P03';

/** What is erased, and how many microseconds ago: clocks of collectors and databases differ. */
export type Erasures = ReadonlyMap<string, number>;

/** Time that may pass between what is read here and what the database makes of it. */
const marginMs = 1000;
/** Of what is damaged, a time may be anything. */
const ageMsMax = 36_500 * dayMs;

/** How long ago the first record of some batches was received; each has one time for all of its own. */
function ageMs(batches: readonly Pick<Batch, 'rows'>[]): number {
  let oldestMs = Date.now();
  for (const { rows } of batches) {
    const { copy } = rows.event.copy.length > 0 ? rows.event : rows.usage;
    const observedMs = readObservedAtMs(copy);
    if (observedMs !== undefined && observedMs < oldestMs) oldestMs = observedMs;
  }
  return Math.min(Math.ceil(Date.now() - oldestMs) + marginMs, ageMsMax);
}

/**
 * A statement that fails, with a division by zero, where something is erased that batches may hold.
 * Its lock keeps `areAllKnown` waiting until the COMMIT.
 */
export function unlessErased(
  client: pg.ClientBase,
  batches: readonly Pick<Batch, 'rows'>[],
): string {
  const sinceMs = ageMs(batches);
  if (isKept(client) && sinceMs <= plannedMs) return `execute ${planned}`;
  return question(schemaInUse(client), sinceMs);
}

/** The same, planned once: for batches that have not waited for longer. */
const planned = 'telemetry_erased';
const plannedMs = 60_000;
export const plansIn = (schema: string): string[] => [
  `prepare ${planned} as ${question(schema, plannedMs)}`,
];

function question(schema: string | undefined, sinceMs: number): string {
  return `select 1 / (field is null)::int from ${schemaPrefix(schema)}erasures where erased_at >= now() - interval '${sinceMs} ms' for key share`;
}

/** The erasures that concern what batches hold. None is overlooked until the COMMIT. */
export async function readErasures(
  trx: Transaction<Database>,
  client: pg.ClientBase,
  batches: readonly Batch[],
): Promise<Erasures> {
  const since = sql`now() - ${ageMs(batches)} * interval '1 ms'`;
  const { rows } = await sql<{ key: string; us: number }>`
    select encode(hash, 'hex') as key,
      (extract(epoch from clock_timestamp() - erased_at) * 1000000)::bigint as us
    from ${tableIn(client, 'erasures')} where erased_at >= ${since}
    order by erased_at for key share`.execute(trx);
  return new Map(rows.map(({ key, us }) => [key, Number(us)]));
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
  const observedMs = readObservedAtMs(row);
  const known = readable(() => readTuple(row, tableOf(kind, row)));
  if (observedMs === undefined || !known) return false;
  const receivedAgo = (Date.now() - observedMs) * 1000;
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
      const erasedAgo = erasures.get(hashOf(field, String(value)).toString('hex'));
      return erasedAgo !== undefined && receivedAgo >= erasedAgo;
    });
  });
}
