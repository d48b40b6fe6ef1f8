import type pg from 'pg';
import { createRollupWriter } from '../../src/commit/rollup-writer.ts';
import type { DatabaseService } from '../../src/database/database-service.ts';
import { createKysely } from '../../src/database/kysely.ts';
import { ensurePartitions } from '../../src/database/partitions.ts';
import { createRollups } from '../../src/rollup/create-rollups.ts';
import { rebuild } from '../../src/rollup/rebuild.ts';
import { quarterMs } from '../../src/rollup/shapes.ts';
import { dayMs } from '../../src/units.ts';

export interface Amount {
  readonly events: number;
  readonly usage: number;
  readonly days: number;
}

/** A day's, of which the times are evenly apart. */
const events = `
  insert into system_telemetry (
    id, "timestamp", observed_at, event_type, component, value, metadata, status, rolled)
  select gen_random_uuid(), at, at, 'EVENT_TYPE_' || floor(20 * random() ^ 3),
    'component-' || floor(100 * random() ^ 3), exp(3 * random() + 3 * random()),
    jsonb_build_object('tokens_generated', floor(900 * random()), 'total_tokens', floor(4900 * random())),
    case when random() < 0.9 then 'OK' when random() < 0.7 then 'WARNING' else 'ERROR' end, true
  from (select $1::timestamptz + n * interval '1 day' / $2::int as at
    from generate_series(0, $2::int - 1) as n) as times`;

const usage = `
  insert into usage_stats (
    id, "timestamp", observed_at, model, layer, provider, agent, project, user_id, session_id,
    prompt_tokens, completion_tokens, cached_tokens, duration_ms, time_to_first_token_ms, cost_usd,
    status, rolled)
  select gen_random_uuid(), at, at, 'model-' || floor(12 * random() ^ 2), 'L' || ceil(3 * random()),
    'provider-' || floor(4 * random()), 'agent-' || floor(10 * random()),
    'project-' || floor(20 * random()), 'user-' || floor(500 * random() ^ 2),
    'session-' || floor(20000 * random()), floor(8000 * random()), floor(900 * random()),
    floor(4000 * random()), exp(9 * random()), exp(6 * random()), round((random() / 10)::numeric, 6),
    case when random() < 0.99 then 'OK' else 'ERROR' end, true
  from (select $1::timestamptz + n * interval '1 day' / $2::int as at
    from generate_series(0, $2::int - 1) as n) as times`;

/** The same rows for the same seed, but for ids and times, up to now; rolled up. */
export async function generate(
  database: DatabaseService,
  client: pg.ClientBase,
  { events: eventRows, usage: usageRows, days }: Amount,
  seed: number,
): Promise<void> {
  const toMs = Math.floor(Date.now() / quarterMs) * quarterMs;
  const window = { fromMs: toMs - days * dayMs, toMs: toMs - 1 };
  for (const table of ['system_telemetry', 'usage_stats'] as const) {
    await ensurePartitions(database.upkeepDb, { table, ...window });
  }
  await client.query('select setseed($1)', [(seed % 1000) / 1000]);
  for (let ms = window.fromMs; ms < toMs; ms += dayMs) {
    await insertDay(client, ms, Math.ceil(eventRows / days), Math.ceil(usageRows / days));
  }
  await rollUp(database, client);
  // What autovacuum would do meanwhile, and what nothing is left to do of in the background.
  await client.query('vacuum (analyze)');
}

export async function insertDay(
  client: pg.ClientBase,
  fromMs: number,
  eventRows: number,
  usageRows: number,
): Promise<void> {
  await client.query(events, [new Date(fromMs), eventRows]);
  await client.query(usage, [new Date(fromMs), usageRows]);
}

export async function rollUp(database: DatabaseService, client: pg.ClientBase): Promise<void> {
  // Nothing is of a release before.
  await client.query(`
    update rollup_state set not_ok_from = '-infinity', cells_from = '-infinity',
      margins_from = '-infinity', settled_at = date_bin('15 minutes', now(), timestamptz '2000-01-01 00:00:00+00')`);
  const { series } = createRollups(database.rollups, 100_000);
  const db = createKysely(database.rollups);
  await rebuild(db, createRollupWriter(database.rollups), series, {});
}
