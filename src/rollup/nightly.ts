import { type Kysely, sql } from 'kysely';
import { type Partition, partitionsOf } from '../database/catalog.ts';
import { shardFacts } from '../database/cluster/shard-facts.ts';
import { isRolledTime } from '../database/rolled-time.ts';
import type { Database } from '../database/schema.ts';
import { tables } from '../records/tables.ts';
import { dayMs } from '../units.ts';
import { type Floors, readFloors } from './floors.ts';
import { verifyCells } from './level-cells.ts';
import { type Span, wholeSpan } from './rebuild.ts';
import { margin } from './series.ts';
import { type Shape, shapes } from './shapes.ts';
import { type Verified, verifyTotals } from './verify.ts';

/** More are not kept of what a night has found. */
const foundMax = 20;
const nightsMax = 90;

/** By partition: what PostgreSQL has counted of changes to its rows. */
type Changes = Readonly<Record<string, string>>;

export interface NightlyResult {
  readonly finishedAt: Date;
  readonly differences: number;
}

/** What was found last; undefined before that. */
export async function lastVerification(db: Kysely<Database>): Promise<NightlyResult | undefined> {
  return await db
    .selectFrom('rollup_verifications')
    .select(['finished_at as finishedAt', 'differences'])
    .orderBy('finished_at', 'desc')
    .limit(1)
    .executeTakeFirst();
}

/**
 * Compares rollups with rows, cheap first: numbers of records by day, and then days of which the
 * number differs, or whose rows have been changed or deleted since they were compared last. Sketches
 * are compared with each other throughout.
 */
export async function verifyNightly(db: Kysely<Database>): Promise<Verified> {
  const startedAt = new Date();
  const known = await lastChanges(db);
  const changes = await changesNow(db);
  const span = await wholeSpan(db, {});
  const differences: Verified['differences'][number][] = [];
  const { rowsMs } = await readFloors(db);
  const changed: Partition[] = [];
  for (const { kind } of shapes) {
    const leaves = await partitionsOf(db, tables[kind].name);
    changed.push(...leaves.filter(({ name }) => known[name] !== changes[name]));
  }
  for (const day of daysOf(span)) {
    const isChanged = changed.some(
      ({ fromMs, toMs }) => fromMs < day.to.getTime() && toMs > day.from.getTime(),
    );
    if (!isChanged && !(await countsDiffer(db, day, rowsMs))) continue;
    differences.push(...(await verifyTotals(db, day)).differences);
  }
  const left = [...(await aboveFloors(db, differences)), ...(await verifyCells(db, {}))];
  await note(db, { span, differences: left }, startedAt, left.length === 0 ? changes : {});
  return { span, differences: left };
}

/** Keeps what was found of everything; a later finding takes its place. */
export async function noteVerified(db: Kysely<Database>, verified: Verified): Promise<void> {
  await note(db, verified, new Date(), {});
}

function* daysOf(span: Span | undefined): Generator<Span> {
  if (!span) return;
  const toMs = span.to.getTime();
  for (let ms = Math.floor(span.from.getTime() / dayMs) * dayMs; ms < toMs; ms += dayMs) {
    yield { from: new Date(ms), to: new Date(ms + dayMs) };
  }
}

/** What waits to be folded counts as missing here: the day is looked at more closely. */
async function countsDiffer(
  db: Kysely<Database>,
  day: Span,
  rowsMs: Floors['rowsMs'],
): Promise<boolean> {
  for (const shape of shapes) {
    const from = new Date(Math.max(day.from.getTime(), rowsMs[shape.kind]));
    if (from < day.to && (await countsOfShapeDiffer(db, shape, { from, to: day.to }))) return true;
  }
  return false;
}

async function countsOfShapeDiffer(
  db: Kysely<Database>,
  shape: Shape,
  { from, to }: Span,
): Promise<boolean> {
  const time = sql.ref('timestamp');
  const { rows } = await sql<{ differ: boolean }>`
    select (
      select count(*) from ${sql.table(tables[shape.kind].name)}
      where ${time} >= ${from} and ${time} < ${to} and rolled is not false and ${isRolledTime(time)}
    ) is distinct from (
      select coalesce(sum(${sql.ref(shape.count)}), 0)::bigint
      from ${sql.table(shape.levelTables.quarter)} join ${sql.table(shape.seriesTable)} on id = series
      where bucket >= ${from} and bucket < ${to} and margin = ${margin.all}
    ) as differ`.execute(db);
  return rows[0]?.differ === true;
}

/** Retention may have taken rows away in between. */
async function aboveFloors(
  db: Kysely<Database>,
  differences: Verified['differences'],
): Promise<Verified['differences']> {
  const { rowsMs } = await readFloors(db);
  return differences.filter(({ table, bucket }) => {
    const shape = shapes.find(({ levelTables }) => Object.values(levelTables).includes(table));
    return bucket.getTime() >= (shape ? rowsMs[shape.kind] : -Infinity);
  });
}

/** What is counted begins anew elsewhere, after a crash, and in another table of the same name. */
async function changesNow(db: Kysely<Database>): Promise<Changes> {
  const parents = shapes.map(({ kind }) => tables[kind].name);
  const { rows } = await sql<{ name: string; changes: string }>`
    select relname as name, concat_ws('/', n_tup_upd, n_tup_del, pg_relation_filenode(relid), (
      select concat_ws('/', system_identifier, datid, bgwriter.stats_reset, own.stats_reset)
      from pg_control_system(), pg_stat_bgwriter as bgwriter, pg_stat_database as own
      where datname = current_database()
    )) as changes
    from pg_stat_user_tables join pg_inherits on inhrelid = relid
    where schemaname = current_schema() and inhparent::regclass::text = any(${parents}::text[])`.execute(
    db,
  );
  const onWorkers = await shardFacts(db);
  return Object.fromEntries(
    rows.map(({ name, changes }) => [name, String(onWorkers.get(name)?.changes ?? changes)]),
  );
}

async function lastChanges(db: Kysely<Database>): Promise<Changes> {
  const row = await db
    .selectFrom('rollup_verifications')
    .select('changes')
    .where(sql<boolean>`changes <> '{}'`)
    .orderBy('finished_at', 'desc')
    .limit(1)
    .executeTakeFirst();
  return row?.changes ?? {};
}

async function note(
  db: Kysely<Database>,
  { span, differences }: Verified,
  startedAt: Date,
  changes: Changes,
): Promise<void> {
  const found = JSON.stringify(differences.slice(0, foundMax));
  await sql`
    insert into rollup_verifications
      (night, started_at, from_time, to_time, differences, found, changes)
    values (clock_timestamp() at time zone 'UTC', ${startedAt}, ${span?.from ?? null},
      ${span?.to ?? null}, ${differences.length}, ${found}, ${JSON.stringify(changes)})
    on conflict (night) do update set started_at = excluded.started_at, finished_at = now(),
      from_time = excluded.from_time, to_time = excluded.to_time,
      differences = excluded.differences, found = excluded.found, changes = excluded.changes`.execute(
    db,
  );
  await sql`delete from rollup_verifications where night not in (
    select night from rollup_verifications order by night desc limit ${nightsMax})`.execute(db);
}
