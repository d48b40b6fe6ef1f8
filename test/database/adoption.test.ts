import { afterEach, beforeEach, expect, it } from 'vitest';
import { adoptionStates, adoptLegacyRows } from '../../src/database/adoption.ts';
import { DatabaseService } from '../../src/database/database-service.ts';
import { createKysely } from '../../src/database/kysely.ts';
import { dropAdoptedTables } from '../../src/database/legacy-tables.ts';
import { startCollector } from '../support/collector.ts';
import { testConfig } from '../support/config.ts';
import { createDatabase, type TestDatabase } from '../support/database.ts';
import { silentLogger } from '../support/logger.ts';
import { patient } from '../support/patient.ts';
import { spawnCollector } from '../support/process.ts';

let database: TestDatabase;
beforeEach(async () => {
  database = await createDatabase('empty');
});
afterEach(() => database.drop());

const rows = 200_000;

/** Rows of two years up to now, with what an older service may have left behind. */
async function createLegacyTelemetry(): Promise<void> {
  await database.rows(`
    create table system_telemetry (
      id serial, event_type varchar(50) not null, component varchar(100), value float,
      metadata jsonb, status varchar(20), timestamp timestamp default now()
    );
    insert into system_telemetry (event_type, component, value, metadata, status, timestamp)
    select
      case n % 3 when 0 then 'THOUGHT_LATENCY' else 'VRAM_CHECK' end,
      case when n % 50 = 0 then null else 'model-' || n % 7 end,
      case when n % 1000 = 0 then 'NaN'::float else n::float end,
      case n % 4 when 0 then '[1, 2]'::jsonb when 1 then null when 2 then '"text"'
        else jsonb_build_object('tokens_generated', n) end,
      'OK',
      case when n % 100 = 0 then null
        else now() at time zone 'UTC' - (${rows} - n) * interval '5 minutes' end
    from generate_series(1, ${rows}) as n;
    insert into system_telemetry (event_type, timestamp) values ('ENDLESS', 'infinity'), ('BEGUN', '-infinity')`);
}

it('adopts 200,000 rows though it is interrupted twice, while ingest goes on', async () => {
  await createLegacyTelemetry();
  const env = { DATABASE_URL: database.url, ...patient };
  for (const share of [0.2, 0.6]) {
    const collector = await spawnCollector(env);
    await untilCopied(share * rows);
    await collector.end('SIGKILL');
    expect(await copied()).toBeLessThan(rows);
  }
  const collector = await spawnCollector(env);
  const posted = await fetch(`${collector.baseUrl}/v1/telemetry/log`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ event_type: 'DURING', component: 'adoption' }),
  });
  expect(posted.status).toBe(200);
  // An older service that goes on writing by itself.
  await database.rows(
    `insert into system_telemetry (event_type, component, value, metadata, status)
     values ('DIRECT', 'older service', 1, '{}', 'OK')`,
  );
  await untilCopied(rows + 2);
  expect(await collector.end('SIGTERM')).toBe(0);

  const [difference] = await database.rows(`
    select
      (select count(*)::int from system_telemetry_legacy) as legacy,
      (select count(*)::int from system_telemetry where event_type not in ('DURING', 'DIRECT')) as adopted,
      (select count(*)::int from (
        select id, event_type, component, value, metadata, status from system_telemetry_legacy
        except
        select ('x' || right(id::text, 12))::bit(48)::bigint, event_type, component, value, metadata, status
        from system_telemetry
      ) as lost) as lost,
      (select count(*)::int from system_telemetry_legacy as old join system_telemetry as new
        on new.id = ('00000000-0000-8001-8000-' || lpad(to_hex(old.id), 12, '0'))::uuid
        where new.timestamp = old.timestamp at time zone 'UTC') as with_time`);
  expect(difference).toEqual({
    legacy: rows + 2,
    adopted: rows + 2,
    lost: 0,
    with_time: rows + 2 - rows / 100,
  });
  // A row without a time stands beside the row before it.
  const [stray] = await database.rows(`
    select count(*)::int as count from system_telemetry_legacy as old join system_telemetry as new
      on new.id = ('00000000-0000-8001-8000-' || lpad(to_hex(old.id), 12, '0'))::uuid
    where old.timestamp is null and new.timestamp <>
      (select timestamp at time zone 'UTC' from system_telemetry_legacy where id = old.id - 1)`);
  expect(stray).toEqual({ count: 0 });
  // Only what has no day at all is outside of the partitions.
  expect(await database.count('select count(*) from only system_telemetry_default')).toBe(1);
}, 120_000);

it.each([
  {
    generation: 'first',
    columns: 'model text, layer text, prompt_tokens int, completion_tokens int, duration_ms int',
    values: `'llama', 'L2', 10, 20, 30`,
    expected: {
      model: 'llama',
      layer: 'L2',
      prompt_tokens: '10',
      completion_tokens: '20',
      duration_ms: 30,
    },
  },
  {
    generation: 'second',
    columns:
      'ghost_id varchar(100), shell_id varchar(100), model_name varchar(100), tokens_input integer, tokens_output integer, cost_usd float',
    values: `'ghost', 'shell', 'llama', 10, 20, 0.1`,
    expected: {
      ghost_id: 'ghost',
      shell_id: 'shell',
      model: 'llama',
      prompt_tokens: '10',
      completion_tokens: '20',
      cost_usd: '0.1',
    },
  },
])('adopts the $generation generation of usage_stats', async ({ columns, values, expected }) => {
  await database.rows(`create table usage_stats (id serial, ${columns}, timestamp timestamp)`);
  await database.rows(
    `insert into usage_stats values (1, ${values}, '2026-06-01 12:00'), (2, ${values}, null)`,
  );
  const telemetry = await startCollector({ TELEMETRY_LEGACY_TIME_ZONE: 'Europe/Berlin' }, database);
  await untilCopied(2);
  await telemetry.stop();
  const adopted = await database.rows('select * from usage_stats order by id');
  const timestamp = new Date('2026-06-01T10:00:00Z');
  expect(adopted).toMatchObject([
    { ...expected, timestamp },
    { ...expected, timestamp },
  ]);
});

it('drops older tables on demand only, and only those that are copied', async () => {
  await createLegacyTelemetry();
  const db = createKysely(database.pool);
  const service = await DatabaseService.open(
    testConfig({ DATABASE_URL: database.url }),
    silentLogger,
  );
  await service.migrate();
  await service.close();
  const legacyRows = () => database.count('select count(*) from system_telemetry_legacy');
  expect(await dropAdoptedTables(db)).toMatchObject([{ dropped: false }]);
  expect(await legacyRows()).toBe(rows + 2);
  const chunkRows = rows;
  await adoptLegacyRows(
    db,
    { timeZone: 'UTC', chunkRows },
    silentLogger,
    new AbortController().signal,
  );
  expect(await legacyRows()).toBe(rows + 2);
  expect(await dropAdoptedTables(db)).toMatchObject([
    { source: 'system_telemetry_legacy', dropped: true },
  ]);
  expect(await adoptionStates(db)).toEqual([]);
  expect(await database.count('select count(*) from system_telemetry')).toBe(rows + 2);
});

it('lets the owner of an older table go on writing into the new one', async () => {
  const role = `older_${process.pid}`;
  await database.rows(`create role ${role} login`);
  try {
    await database.rows(`
      grant create on schema public to ${role};
      set role ${role};
      create table usage_stats (id serial, model text, layer text, prompt_tokens int,
        completion_tokens int, duration_ms int, timestamp timestamp default now());
      reset role`);
    const telemetry = await startCollector({}, database);
    await telemetry.stop();
    await database.rows(`
      set role ${role};
      insert into usage_stats (model, layer, prompt_tokens, completion_tokens, duration_ms)
        values ('llama', 'L1', 1, 2, 3);
      reset role`);
    expect(await database.count('select count(*) from usage_stats')).toBe(1);
  } finally {
    await database.rows(`drop owned by ${role} cascade; drop role ${role}`);
  }
});

async function copied(): Promise<number> {
  const found = await database
    .rows<{ sum: string }>('select sum(rows_copied) from adoption')
    .catch(() => []);
  return Number(found[0]?.sum ?? 0);
}

async function untilCopied(count: number): Promise<void> {
  while ((await copied()) < count) await new Promise((resolve) => setTimeout(resolve, 20));
}
