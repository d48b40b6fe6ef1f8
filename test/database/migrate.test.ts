import pg from 'pg';
import { uuidv7 } from 'uuidv7';
import { expect, it } from 'vitest';
import { Collector } from '../../src/collector.ts';
import { startCollector, type TestCollector } from '../support/collector.ts';
import { testConfig } from '../support/config.ts';
import { createDatabase } from '../support/database.ts';
import { getJson, postJson } from '../support/http.ts';
import { silentLogger } from '../support/logger.ts';
import { patient } from '../support/patient.ts';
import { installedVersions, startSystemPostgres } from '../support/system-postgres.ts';
import { openTail } from '../support/tail.ts';

it('brings an empty database up to date though ten collectors start at once', async () => {
  const database = await createDatabase('empty');
  const collectors = await Promise.all(
    Array.from({ length: 10 }, () => startCollector(patient, database)),
  );
  // A busy machine may spool what comes first, or refuse it: it is sent again.
  const untilCommitted = async ({ baseUrl }: TestCollector) => {
    const batch = { batch_id: uuidv7(), events: [{ event_type: 'STARTED' }] };
    const send = async () => (await postJson(`${baseUrl}/v1/telemetry/batch`, batch)).body;
    await expect
      .poll(async () => (await send()).durability, { timeout: 30_000 })
      .toBe('DURABILITY_COMMITTED');
  };
  await Promise.all(collectors.map(untilCommitted));
  await Promise.all(collectors.map((collector) => collector.stop()));
  expect(await database.count('select count(*) from system_telemetry')).toBe(10);
  expect(await database.count('select count(*) from telemetry_migration')).toBe(1);
  await database.drop();
});

// Besides the embedded 18, which all other tests run on.
it.for(installedVersions())(
  'works on the PostgreSQL %s of the system',
  { timeout: 120_000 },
  async (version) => {
    const postgres = await startSystemPostgres(version);
    const collector = await Collector.start(
      testConfig({ DATABASE_URL: postgres.url, ...patient }),
      silentLogger,
    );
    await collector.untilReady();
    const baseUrl = `http://127.0.0.1:${collector.port}`;
    const batch = {
      events: [
        {
          event_type: 'THOUGHT_LATENCY',
          component: 'm',
          value: 3,
          metadata: { tokens_generated: 7 },
        },
      ],
      usage: [{ model: 'm', layer: 'L2', input_tokens: 5, output_tokens: 6, cost_usd: 0.25 }],
    };
    const tail = await openTail(baseUrl, { kinds: ['event', 'usage'] });
    expect((await postJson(`${baseUrl}/v1/telemetry/batch`, batch)).body).toMatchObject({
      events: 1,
      usage: 1,
    });
    await tail.until(2);
    expect(tail.names.toSorted()).toEqual(['THOUGHT_LATENCY', 'm']);
    await tail.stop();
    const get = async (path: string) => (await getJson(`${baseUrl}/v1/telemetry/${path}`)).body;
    expect(await get('events')).toMatchObject([{ component: 'm', value: 3 }]);
    expect(await get('stats')).toMatchObject({ measurement_count: 1, total_tokens: 7 });
    expect(await get('usage/summary')).toMatchObject({
      total_tokens: 11,
      l2_tokens: 11,
      cost_usd: 0.25,
    });
    expect(await get('trends')).toMatchObject({
      model_trends: [{ component: 'm', avg_efficiency: 3 }],
    });
    expect(await get('footprint')).toMatchObject({
      row_counts: { system_telemetry: 1, usage_stats: 1 },
    });
    await collector.stop();
    const client = new pg.Client({ connectionString: postgres.url });
    await client.connect();
    const { rows } = await client.query(
      `select split_part(current_setting('server_version'), '.', 1) as major`,
    );
    expect(rows).toEqual([{ major: version }]);
    await client.end();
    await postgres.stop();
  },
);
