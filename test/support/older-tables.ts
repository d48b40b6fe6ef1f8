import type { TestDatabase } from './database.ts';

/** As the application's services create them, when they start. */
export const olderTelemetry = `
  create table if not exists system_telemetry (
    id serial, event_type varchar(50) not null, component varchar(100), value float,
    metadata jsonb, status varchar(20), timestamp timestamp default now()
  )`;
export const olderUsage = `
  create table if not exists usage_stats (
    id serial, model varchar(100), layer varchar(20), prompt_tokens integer,
    completion_tokens integer, duration_ms float, timestamp timestamp default now()
  )`;

/** What the application's router does at each start. */
export const routerMigration = `
  drop table if exists system_telemetry cascade; drop table if exists usage_stats cascade`;

/** Rows as the older services insert them. */
export async function insertOlder(database: TestDatabase, type: string, count = 3): Promise<void> {
  await database.rows(`
    insert into system_telemetry (event_type, component, value, metadata, status)
    select '${type}', 'older service', n, '{"n": 1}', 'OK' from generate_series(1, ${count}) as n`);
}
