import { type Kysely, type RawBuilder, sql } from 'kysely';

/** What is rolled up of events: docs/rollups.md. The release before writes on beside it. */
export async function up(db: Kysely<unknown>): Promise<void> {
  await createState(db);
  await createFresh(db);
  await createSeries(db, 'event_series', ['event_type', 'component', 'status']);
  for (const level of ['quarter', 'hour', 'day']) {
    await createLevel(db, `event_rollup_${level}`, {
      count: 'events',
      values: [''],
      sums: sql`tokens_generated numeric, total_tokens numeric`,
    });
  }
  await createFunctions(db);
  await markRows(db, 'system_telemetry', 'event');
}

/** One row, which is locked by whoever changes what is rolled up. */
async function createState(db: Kysely<unknown>): Promise<void> {
  await sql`
    create table if not exists rollup_state (
      only_one boolean primary key default true check (only_one),
      -- Hours and days hold what lies before, quarter hours hold all.
      settled_at timestamptz not null
        default date_bin('15 minutes', now(), timestamptz '2000-01-01 00:00:00+00'),
      -- Rows of before may be gone: nothing is computed from them again.
      raw_floor timestamptz not null default '-infinity'
    )`.execute(db);
  await sql`insert into rollup_state default values on conflict do nothing`.execute(db);
  // Buckets that have several rows for a series.
  await sql`
    create table if not exists rollup_merges (
      kind text not null,
      level text not null,
      bucket timestamptz not null,
      noted_at timestamptz not null default now(),
      primary key (kind, level, bucket)
    )`.execute(db);
  // Partitions with rows from before there were rollups, and how far they are read.
  await sql`
    create table if not exists rollup_history (
      kind text not null,
      partition_name text not null,
      blocks_done bigint not null default 0,
      finished_at timestamptz,
      primary key (kind, partition_name)
    )`.execute(db);
}

/** A truncation would have writers wait. */
async function createFresh(db: Kysely<unknown>): Promise<void> {
  await sql`
    create table if not exists rollup_fresh (
      kind text not null,
      written_at timestamptz not null default now(),
      events integer not null,
      data bytea not null
    ) with (vacuum_truncate = off, autovacuum_vacuum_scale_factor = 0.1)`.execute(db);
  await sql`alter table rollup_fresh alter data set storage external`.execute(db);
}

export async function createSeries(
  db: Kysely<unknown>,
  table: string,
  dimensions: readonly string[],
): Promise<void> {
  const columns = dimensions.map((name) => sql`${sql.ref(name)} text`);
  await sql`
    create table if not exists ${sql.table(table)} (
      id integer generated always as identity primary key,
      -- Of what it is made of: texts may be too long for an index.
      hash uuid not null unique,
      margin text not null,
      ${sql.join(columns)},
      -- The series that it is part of.
      margins integer[] not null default '{}',
      created_at timestamptz not null default now()
    )`.execute(db);
  await sql`
    create index if not exists ${sql.ref(`${table}_margin_idx`)}
    on ${sql.table(table)} (margin)`.execute(db);
}

/** What a level has, beside times and series. */
interface LevelColumns {
  /** The name of the number of records. */
  readonly count: string;
  /** What the names of each value's totals begin with. */
  readonly values: readonly string[];
  readonly sums: RawBuilder<unknown>;
}

export async function createLevel(
  db: Kysely<unknown>,
  table: string,
  { count, values, sums }: LevelColumns,
): Promise<void> {
  const ofValues = (columns: Readonly<Record<string, string>>) =>
    sql.join(
      values.flatMap((prefix) =>
        Object.entries(columns).map(
          ([name, type]) => sql`${sql.ref(`${prefix}${name}`)} ${sql.raw(type)}`,
        ),
      ),
    );
  await sql`
    create table if not exists ${sql.table(table)} (
      bucket timestamptz not null,
      series integer not null,
      ${sql.ref(count)} bigint not null,
      ${ofValues(measures)},
      ${sums},
      ${ofValues(sketch)}
    )`.execute(db);
  const index = (name: string, columns: RawBuilder<unknown>) =>
    sql`create index if not exists ${sql.ref(`${table}_${name}_idx`)} on ${sql.table(table)} (${columns})`;
  await index('series', sql`series, bucket`).execute(db);
  await index('bucket', sql`bucket`).execute(db);
}

const measures = {
  n: 'bigint not null',
  sum: 'double precision',
  min: 'double precision',
  max: 'double precision',
  nans: 'bigint not null default 0',
  positive_infinities: 'bigint not null default 0',
  negative_infinities: 'bigint not null default 0',
};
const sketch = {
  keys: "integer[] not null default '{}'",
  counts: "integer[] not null default '{}'",
};

/** The same as those of the collector, digit by digit. Not strict: that would keep them from being inlined. */
async function createFunctions(db: Kysely<unknown>): Promise<void> {
  await sql`
    create or replace function telemetry_sketch_key(value double precision) returns integer
    language sql immutable parallel safe as $$
      select case when value = 0 then 0
        else (sign(value) * (ceil(ln(abs(value)) / 0.020000666706669435::float8) + 40000))::integer end
    $$`.execute(db);
  await sql`
    create or replace function telemetry_sketch_middle(key integer) returns double precision
    language sql immutable parallel safe as $$
      select case when key = 0 then 0
        when abs(key) > 75488 then sign(key) * 1.7976931348623157e308::float8
        when abs(key) < 2778 then sign(key) * 5e-324::float8
        else sign(key)
          * exp((abs(key) - 40000) * 0.020000666706669435::float8 - 0.010050335853501442::float8) end
    $$`.execute(db);
  await sql`
    create or replace function telemetry_sketch_quantile(
      keys integer[], counts bigint[], share double precision,
      lowest double precision, highest double precision
    ) returns double precision
    language sql immutable parallel safe as $$
      select least(highest, greatest(lowest, telemetry_sketch_middle(key)))
      from (
        select key, sum(count) over (order by key) as seen, sum(count) over () as total
        from unnest(keys, counts) as cell (key, count)
      ) as cells
      where seen > share * (total - 1)
      order by key
      limit 1
    $$`.execute(db);
}

/**
 * Existing rows have null, which takes no rewriting; rows of whoever knows nothing of it have
 * false, and are found by an index. Partitions of before get theirs in the background.
 */
export async function markRows(db: Kysely<unknown>, table: string, kind: string): Promise<void> {
  const { rows } = await sql`
    select from pg_attribute join pg_class as class on class.oid = attrelid
      join pg_namespace as space on space.oid = relnamespace
    where nspname = current_schema() and relname = ${table} and attname = 'rolled'`.execute(db);
  if (rows.length > 0) return;
  await sql`alter table ${sql.table(table)} add column rolled boolean`.execute(db);
  await sql`alter table ${sql.table(table)} alter column rolled set default false`.execute(db);
  await sql`
    create index if not exists ${sql.ref(`${table}_unrolled_idx`)}
    on only ${sql.table(table)} ("timestamp") where rolled is false`.execute(db);
  const standard = `${table}_default`;
  await sql`
    create index if not exists ${sql.ref(`${standard}_unrolled_idx`)}
    on ${sql.table(standard)} ("timestamp") where rolled is false`.execute(db);
  await sql`
    alter index ${sql.ref(`${table}_unrolled_idx`)}
    attach partition ${sql.ref(`${standard}_unrolled_idx`)}`.execute(db);
  await sql`
    insert into rollup_history (kind, partition_name)
    select ${kind}, leaf.relname
    from pg_class as parent join pg_namespace as space on space.oid = parent.relnamespace
      join pg_inherits on inhparent = parent.oid join pg_class as leaf on leaf.oid = inhrelid
    where nspname = current_schema() and parent.relname = ${table}
      and pg_relation_size(leaf.oid) > 0
    on conflict do nothing`.execute(db);
}
