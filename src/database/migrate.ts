import { type Kysely, sql, type Transaction } from 'kysely';
import type pg from 'pg';
import { StartError } from '../errors.ts';
import type { Logger } from '../observe/logger.ts';
import { dayMs } from '../units.ts';
import { type Damage, dataTables, lookAtTables } from './expected-tables.ts';
import { createKysely } from './kysely.ts';
import { noteLedgerBegin } from './ledger-span.ts';
import { addKey } from './lost-key.ts';
import { recoverRollups } from './lost-rollups.ts';
import { withMaintenanceLock } from './maintenance-lock.ts';
import * as initial from './migrations/0001-initial.ts';
import * as adoptionStates from './migrations/0002-adoption-states.ts';
import * as usageFields from './migrations/0003-usage-fields.ts';
import * as keys from './migrations/0004-keys.ts';
import * as callClaims from './migrations/0005-call-claims.ts';
import * as erasures from './migrations/0006-erasures.ts';
import * as eventRollups from './migrations/0007-event-rollups.ts';
import * as retention from './migrations/0008-retention.ts';
import * as usageRollups from './migrations/0009-usage-rollups.ts';
import * as usageOfWhom from './migrations/0010-usage-of-whom.ts';
import * as commitNotes from './migrations/0011-commit-notes.ts';
import * as questions from './migrations/0012-questions.ts';
import * as secondGeneration from './migrations/0013-second-generation.ts';
import * as latestEvents from './migrations/0014-latest-events.ts';
import * as failedEvents from './migrations/0015-failed-events.ts';
import * as readingByTime from './migrations/0016-reading-by-time.ts';
import * as sketchCells from './migrations/0017-sketch-cells.ts';
import * as furtherMargins from './migrations/0018-further-margins.ts';
import { createFirstPartitions, partitionedTables } from './partitions.ts';
import type { Database } from './schema.ts';
import { type Aside, noteAdoptions, setAside, setDefaultAside } from './set-aside.ts';
import { withShortLocks } from './short-locks.ts';

/** Goes up by one with each release that has migrations. */
const schemaRelease = 3;

interface Migration {
  readonly name: string;
  readonly release: number;
  /** Makes what is missing, and leaves what is there: it may be run again. */
  readonly up: (db: Kysely<unknown>) => Promise<void>;
}

/**
 * Every migration there is, in order. One that has been released never changes in effect. They
 * only add, so that the release before works with them too.
 */
const migrations: readonly Migration[] = [
  { name: '0001-initial', release: 1, up: initial.up },
  { name: '0002-adoption-states', release: 2, up: adoptionStates.up },
  { name: '0003-usage-fields', release: 3, up: usageFields.up },
  { name: '0004-keys', release: 3, up: keys.up },
  { name: '0005-call-claims', release: 3, up: callClaims.up },
  { name: '0006-erasures', release: 3, up: erasures.up },
  { name: '0007-event-rollups', release: 3, up: eventRollups.up },
  { name: '0008-retention', release: 3, up: retention.up },
  { name: '0009-usage-rollups', release: 3, up: usageRollups.up },
  { name: '0010-usage-of-whom', release: 3, up: usageOfWhom.up },
  { name: '0011-commit-notes', release: 3, up: commitNotes.up },
  { name: '0012-questions', release: 3, up: questions.up },
  { name: '0013-second-generation', release: 3, up: secondGeneration.up },
  { name: '0014-latest-events', release: 3, up: latestEvents.up },
  { name: '0015-failed-events', release: 3, up: failedEvents.up },
  { name: '0016-reading-by-time', release: 3, up: readingByTime.up },
  { name: '0017-sketch-cells', release: 3, up: sketchCells.up },
  { name: '0018-further-margins', release: 3, up: furtherMargins.up },
];

interface SchemaState {
  /** Nothing of ours has ever been here. */
  readonly isNew: boolean;
  readonly isCurrent: boolean;
  readonly damage: readonly Damage[];
  /** Those of it that have been here before: the rest is of a later release than was here. */
  readonly lost: readonly Damage[];
}

/** The tables of the first release; all others are of this one. */
const firstTables = [
  ...partitionedTables,
  'dead_letters',
  'adoption',
  'telemetry_migration',
] as readonly string[];

/**
 * Brings the schema up to date, and makes anew what is missing or has been replaced; several
 * collectors may do so at once. Returns what had been damaged. A role that may not create anything
 * can call it where nothing is to be done. `mayBeNew`: false where our tables have been here.
 */
export async function migrateToLatest(
  pool: pg.Pool,
  logger: Logger,
  mayBeNew = true,
): Promise<readonly Damage[]> {
  const db = createKysely(pool);
  if ((await readState(db, mayBeNew)).isCurrent) return [];
  const { state, asides } = await withMaintenanceLock(pool, () =>
    withShortLocks(db, (trx) => bringUpToDate(trx, mayBeNew)),
  );
  for (const { table, name, dependents } of asides) {
    logger.info({ table, name }, 'a table of an older service is set aside');
    if (dependents.length === 0) continue;
    logger.warn({ table, name, dependents }, `these still refer to ${name}, not to ${table}`);
  }
  const damage = state.lost.filter(({ table }) => table !== 'telemetry_schema');
  for (const { table, kind, reason } of damage) {
    const became =
      kind === 'missing' || kind === 'foreign'
        ? 'a table was lost and is made anew: what was stored in it since it was made is gone, rows of older tables are copied again'
        : 'a part of a table was lost and is made anew';
    logger.error({ table, reason }, became);
  }
  return damage;
}

/** Whether nothing is left to do for it. Throws a `StartError` where it would refuse; changes nothing. */
export async function isUpToDate(pool: pg.Pool): Promise<boolean> {
  const state = await readState(createKysely(pool), true);
  if (state.isNew) refuseForeign(state.damage);
  return state.isCurrent;
}

/** Throws a `StartError` for a database that is too new for this program. */
async function readState(db: Kysely<Database>, mayBeNew: boolean): Promise<SchemaState> {
  const { damage, isBehind } = await lookAtTables(db);
  const lacks = (name: string) => damage.some(({ table }) => table === name);
  const recorded = lacks('telemetry_schema')
    ? []
    : await db.selectFrom('telemetry_schema').select(['name', 'release']).execute();
  const newest = Math.max(0, ...recorded.map(({ release }) => release));
  if (newest > schemaRelease + 1) {
    throw new StartError(
      `the database is of release ${newest} of the schema, and this program works with releases up to ${schemaRelease + 1}: run a newer gravitas-telemetry`,
    );
  }
  const names = new Set(recorded.map(({ name }) => name));
  const isNew = mayBeNew && lacks('telemetry_schema') && lacks('telemetry_migration');
  const wasThere = (table: string) => newest >= schemaRelease || firstTables.includes(table);
  return {
    isNew,
    isCurrent: damage.length === 0 && !isBehind && migrations.every(({ name }) => names.has(name)),
    damage,
    lost: isNew ? [] : damage.filter(({ table }) => !mayBeNew || wasThere(table)),
  };
}

/**
 * All in one transaction: whoever inserts directly waits, and then finds tables that take his
 * rows, with partitions for them.
 */
async function bringUpToDate(
  trx: Transaction<Database>,
  mayBeNew: boolean,
): Promise<{ state: SchemaState; asides: readonly Aside[] }> {
  const state = await readState(trx, mayBeNew);
  if (state.isCurrent) return { state, asides: [] };
  // On a cluster, functions follow tables that lie on workers by one connection to each alone.
  await sql`set local citus.multi_shard_modify_mode = 'sequential'`.execute(trx);
  if (state.isNew) refuseForeign(state.damage);
  const lost = state.damage.filter(({ kind }) => kind === 'missing' || kind === 'foreign');
  const lostNames = lost.map(({ table }) => table);
  // Before all others, as those do who copy older rows.
  if (!lostNames.includes('adoption')) {
    await sql`lock table adoption in exclusive mode`.execute(trx);
  }
  const asides: Aside[] = [];
  for (const { table, kind } of lost) {
    if (kind === 'foreign') asides.push(await setAside(trx, table, state.isNew));
  }
  for (const table of partitionedTables) await setDefaultAside(trx, table);
  for (const { up } of migrations) await up(trx as unknown as Kysely<unknown>);
  for (const { table, kind } of state.damage) if (kind === 'no key') await addKey(trx, table);
  await record(trx);
  // By the clock by which direct inserts get their times.
  const { rows } = await sql<{ now: Date }>`select now()`.execute(trx);
  const now = rows[0]?.now.getTime() ?? Date.now();
  for (const table of partitionedTables.filter((name) => lostNames.includes(name))) {
    await createFirstPartitions(trx, { table, fromMs: now - dayMs, toMs: now + 2 * dayMs });
  }
  if (!state.isNew && lostNames.includes('batch_ledger')) await noteLedgerBegin(trx);
  await recoverRollups(
    trx,
    state.lost.map(({ table }) => table),
  );
  await noteAdoptions(trx, asides, lostNames);
  return { state, asides };
}

/** Renaming another application's table would break that one. */
function refuseForeign(damage: readonly Damage[]): void {
  const isOlder = (table: string) => dataTables.some((name) => name === table);
  const other = damage.find(({ table, kind }) => kind === 'foreign' && !isOlder(table));
  if (!other) return;
  throw new StartError(
    `another application has a table ${other.table} (it ${other.reason.slice(other.table.length + 1)}): give the collector a schema of its own, by search_path`,
  );
}

/** The first release reads a list of its own, and stumbles over names that it does not know. */
async function record(trx: Transaction<Database>): Promise<void> {
  await sql`
    create table if not exists telemetry_schema (
      name text primary key,
      release integer not null,
      applied_at timestamptz not null default now()
    )`.execute(trx);
  await trx
    .insertInto('telemetry_schema')
    .values(migrations.map(({ name, release }) => ({ name, release })))
    .onConflict((conflict) => conflict.doNothing())
    .execute();
  await sql`
    create table if not exists telemetry_migration (
      name varchar(255) not null primary key,
      "timestamp" varchar(255) not null
    )`.execute(trx);
  await sql`
    insert into telemetry_migration values ('0001-initial', ${new Date().toISOString()})
    on conflict do nothing`.execute(trx);
}
