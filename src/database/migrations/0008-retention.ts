import { type Kysely, sql } from 'kysely';

/** What retention has removed, and what it has to know before it removes anything. */
export async function up(db: Kysely<unknown>): Promise<void> {
  await sql`
    alter table rollup_state
      -- Of usage; raw_floor is that of events.
      add column if not exists usage_raw_floor timestamptz not null default '-infinity',
      -- The levels have nothing of before.
      add column if not exists quarter_floor timestamptz not null default '-infinity',
      add column if not exists hour_floor timestamptz not null default '-infinity',
      add column if not exists day_floor timestamptz not null default '-infinity'`.execute(db);
  // Days on which somebody looked: a clock that jumps ahead is found out by what it skips.
  await sql`
    create table if not exists retention_days (day date primary key)`.execute(db);
  await sql`
    create table if not exists retention_drops (
      id uuid primary key default gen_random_uuid(),
      table_name text not null,
      partition_name text not null,
      from_time timestamptz not null,
      to_time timestamptz not null,
      bytes bigint not null,
      -- age or size.
      reason text not null,
      dropped_at timestamptz not null default now()
    )`.execute(db);
  // One row for each night on which the rollups were compared with the rows.
  await sql`
    create table if not exists rollup_verifications (
      night date primary key,
      started_at timestamptz not null,
      finished_at timestamptz not null default now(),
      -- Null where there was nothing.
      from_time timestamptz,
      to_time timestamptz,
      differences integer not null,
      -- The first of them, for people.
      found jsonb not null,
      -- By partition: what PostgreSQL had counted of changes when its rows agreed.
      changes jsonb not null
    )`.execute(db);
}
