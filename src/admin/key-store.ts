import { type Insertable, type Kysely, type Selectable, sql } from 'kysely';
import type { Database, TelemetryKeysTable } from '../database/schema.ts';
import type { Scope } from '../serve/caller.ts';
import type { Key } from './key.ts';

const ownTable = sql<boolean>`telemetry_keys.tableoid
  = to_regclass(quote_ident(current_schema()) || '.telemetry_keys')`;

/**
 * Which table of which database the keys are in: another one of the same database where somebody has
 * dropped it. Undefined where there is none.
 */
export async function keyTableOf(db: Kysely<Database>): Promise<KeyTable | undefined> {
  const { rows } = await sql<KeyTable>`
    select concat_ws('/', system_identifier, pg_database.oid, current_schema()) as database,
      to_regclass(quote_ident(current_schema()) || '.telemetry_keys')::oid::text as table
    from pg_control_system(), pg_database where datname = current_database()`.execute(db);
  const [found] = rows;
  return found?.table ? found : undefined;
}

export interface KeyTable {
  readonly database: string;
  readonly table: string;
}

/** Every key that there is or was, the oldest first. */
export async function readKeys(db: Kysely<Database>): Promise<Key[]> {
  const rows = await db
    .selectFrom('telemetry_keys')
    .selectAll()
    // Not those of another installation, further down the search path, while there are none of ours.
    .where(ownTable)
    .orderBy('created_at')
    .orderBy('id')
    .execute();
  return rows.map(keyOf);
}

export async function insertKey(db: Kysely<Database>, key: Key): Promise<void> {
  await db.insertInto('telemetry_keys').values(rowOf(key)).execute();
}

/** A dozen parameters each, of which a statement has 65,535 at most. */
const restoredTogether = 1000;

/** Puts keys into the table that it lacks. */
export async function restoreKeys(db: Kysely<Database>, keys: readonly Key[]): Promise<void> {
  for (let at = 0; at < keys.length; at += restoredTogether) {
    const rows = keys.slice(at, at + restoredTogether).map((key) => ({
      ...rowOf(key),
      created_at: key.createdAt ?? new Date(),
      revoked_at: key.revokedAt ?? null,
    }));
    await db
      .insertInto('telemetry_keys')
      .values(rows)
      .onConflict((conflict) => conflict.doNothing())
      .execute();
  }
}

function rowOf(key: Key): Insertable<TelemetryKeysTable> {
  const { recordsPerSecond, bytesPerSecond, bufferShare, queryShare } = key.limits;
  return {
    id: key.id,
    name: key.name,
    secret_hash: Buffer.from(key.digest, 'base64'),
    scopes: [...key.scopes],
    records_per_second: recordsPerSecond ?? null,
    bytes_per_second: bytesPerSecond ?? null,
    buffer_share: bufferShare ?? null,
    query_share: queryShare ?? null,
    certificate: key.certificate ?? null,
    expires_at: key.expiresAt ?? null,
  };
}

export async function revokeKeys(db: Kysely<Database>, ids: readonly string[]): Promise<void> {
  await db
    .updateTable('telemetry_keys')
    .set({ revoked_at: sql`now()` })
    .where('id', 'in', [...ids])
    .where('revoked_at', 'is', null)
    .execute();
}

/** Those who change keys do so one after the other. */
export async function lockKeys(db: Kysely<Database>): Promise<void> {
  await sql`lock table telemetry_keys in share row exclusive mode`.execute(db);
}

/** Notes when keys were used last, unless somebody knows of a later time. */
export async function noteUses(
  db: Kysely<Database>,
  uses: ReadonlyMap<string, Date>,
): Promise<void> {
  await sql`
    update telemetry_keys
    set last_used_at = used.at
    from unnest(${[...uses.keys()]}::text[], ${[...uses.values()]}::timestamptz[]) as used (id, at)
    where telemetry_keys.id = used.id
      and (last_used_at is null or last_used_at < used.at)`.execute(db);
}

function keyOf(row: Selectable<TelemetryKeysTable>): Key {
  return {
    id: row.id,
    name: row.name,
    digest: row.secret_hash.toString('base64'),
    scopes: row.scopes as Scope[],
    source: 'database',
    createdAt: row.created_at,
    expiresAt: row.expires_at ?? undefined,
    revokedAt: row.revoked_at ?? undefined,
    lastUsedAt: row.last_used_at ?? undefined,
    certificate: row.certificate ?? undefined,
    limits: {
      recordsPerSecond: row.records_per_second ?? undefined,
      bytesPerSecond: row.bytes_per_second ?? undefined,
      bufferShare: row.buffer_share ?? undefined,
      queryShare: row.query_share ?? undefined,
    },
  };
}
