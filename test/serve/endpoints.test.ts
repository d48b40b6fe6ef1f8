import { createClient } from '@connectrpc/connect';
import { createGrpcTransport } from '@connectrpc/connect-node';
import pg from 'pg';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import {
  Health as HealthService,
  HealthCheckResponse_ServingStatus as ServingStatus,
} from '../../gen/typescript/grpc/health/v1/health_pb.js';
import { Collector } from '../../src/collector.ts';
import { startCollector } from '../support/collector.ts';
import { testConfig } from '../support/config.ts';
import { createDatabase } from '../support/database.ts';
import { getJson, postJson } from '../support/http.ts';
import { silentLogger } from '../support/logger.ts';
import { metric } from '../support/metrics.ts';

/** Nobody listens there. */
const nowhere = 'postgresql://nobody@127.0.0.1:1/nothing';

const cleanUps: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const cleanUp of cleanUps.splice(0).reverse()) await cleanUp();
});

async function withoutDatabase() {
  const config = testConfig({ DATABASE_URL: nowhere });
  const collector = await Collector.start(config, silentLogger);
  cleanUps.push(() => collector.stop());
  return { baseUrl: `http://127.0.0.1:${collector.port}` };
}

const healthOf = (baseUrl: string) => createClient(HealthService, createGrpcTransport({ baseUrl }));

describe('a collector that is ready', () => {
  let baseUrl: string;
  let stop: () => Promise<void>;
  beforeAll(async () => {
    ({ baseUrl, stop } = await startCollector());
  });
  afterAll(() => stop());

  it('says so to everybody who asks', async () => {
    expect(await getJson(`${baseUrl}/livez`)).toMatchObject({ status: 200 });
    expect(await getJson(`${baseUrl}/readyz`)).toMatchObject({
      status: 200,
      body: { status: 'ready', reasons: [] },
    });
    expect(await getJson(`${baseUrl}/health`)).toMatchObject({
      status: 200,
      body: { status: 'healthy', service: 'gravitas-telemetry', database: true, queue_depth: 0 },
    });
    const health = healthOf(baseUrl);
    for (const service of [
      '',
      'gravitas.telemetry.v1.IngestService',
      'gravitas.telemetry.v1.QueryService',
    ]) {
      expect((await health.check({ service })).status).toBe(ServingStatus.SERVING);
    }
  });

  it('knows no service that it does not have', async () => {
    const health = healthOf(baseUrl);
    await expect(health.check({ service: 'unheard.Of' })).rejects.toThrow('not_found');
    for await (const { status } of health.watch({ service: 'unheard.Of' })) {
      expect(status).toBe(ServingStatus.SERVICE_UNKNOWN);
    }
  });

  it('counts what it has taken', async () => {
    const usage = [{ model: 'm' }];
    const batch = { events: [{ event_type: 'A\0' }, { event_type: '' }], usage };
    expect(await postJson(`${baseUrl}/v1/telemetry/batch`, batch)).toMatchObject({ status: 200 });
    const response = await fetch(`${baseUrl}/metrics`);
    expect(response.headers.get('content-type')).toContain('text/plain');
    const metrics = (await response.text()).split('\n');
    expect(metrics).toEqual(
      expect.arrayContaining([
        'telemetry_records_received_total{table="system_telemetry"} 2',
        'telemetry_records_settled_total{table="system_telemetry",outcome="stored"} 1',
        'telemetry_records_settled_total{table="system_telemetry",outcome="rejected"} 1',
        'telemetry_records_settled_total{table="usage_stats",outcome="stored"} 1',
        'telemetry_records_pending{table="system_telemetry"} 0',
        'telemetry_strings_made_storable_total 1',
        'telemetry_buffer_batches 0',
        'telemetry_default_partition_rows{table="system_telemetry"} 0',
      ]),
    );
    expect(metrics.some((line) => line.startsWith('process_cpu_seconds_total '))).toBe(true);
  });

  it('tells those who watch when it stops', async () => {
    const telemetry = await startCollector();
    const statuses: ServingStatus[] = [];
    const watched = (async () => {
      for await (const { status } of healthOf(telemetry.baseUrl).watch({})) {
        statuses.push(status);
        if (statuses.length === 1) void telemetry.stop();
      }
    })();
    await watched.catch(() => {});
    expect(statuses).toEqual([ServingStatus.SERVING, ServingStatus.NOT_SERVING]);
  });
});

describe('a collector whose database is away', () => {
  it('lives, takes data, and says why it is degraded and since when', async () => {
    const { baseUrl } = await withoutDatabase();
    expect(await getJson(`${baseUrl}/livez`)).toMatchObject({ status: 200 });
    const { status, body } = await getJson(`${baseUrl}/readyz`);
    expect({ status, body }).toMatchObject({ status: 200, body: { status: 'degraded' } });
    expect(body.reasons.toSorted()).toEqual([
      expect.stringMatching(/^database: /),
      expect.stringMatching(/^schema: /),
    ]);
    expect(await getJson(`${baseUrl}/health`)).toMatchObject({
      status: 200,
      body: { status: 'degraded', database: false, reasons: body.reasons },
    });
    const since = Date.parse(body.since.database);
    expect(since).toBeGreaterThan(Date.now() - 60_000);
    expect(since).toBeLessThanOrEqual(Date.now());
    const unwellSince = await metric(baseUrl, 'telemetry_unwell_since_seconds{part="database"}');
    expect(unwellSince).toBe(since / 1000);
    expect(await metric(baseUrl, 'telemetry_unwell_since_seconds{part="spool"}')).toBe(0);
    expect((await healthOf(baseUrl).check({})).status).toBe(ServingStatus.SERVING);
  });

  it('takes what it is sent all the same, and says that it is spooled', async () => {
    const { baseUrl } = await withoutDatabase();
    const answer = await postJson(`${baseUrl}/v1/telemetry/log`, { event_type: 'A' });
    expect(answer).toMatchObject({ status: 200, body: { durability: 'DURABILITY_SPOOLED' } });
  });

  it('becomes ready when it comes', async () => {
    const database = await createDatabase();
    cleanUps.push(() => database.drop());
    const name = new URL(database.url).pathname.slice(1);
    const admin = new URL(database.url);
    admin.pathname = '/postgres';
    const client = new pg.Client({ connectionString: admin.href });
    await client.connect();
    cleanUps.push(() => client.end());
    await client.query(`alter database ${name} allow_connections false`);
    const config = testConfig({ DATABASE_URL: database.url });
    const collector = await Collector.start(config, silentLogger);
    cleanUps.push(() => collector.stop());
    const baseUrl = `http://127.0.0.1:${collector.port}`;
    const readyz = async () => (await getJson(`${baseUrl}/readyz`)).body;
    expect(await readyz()).toMatchObject({ status: 'degraded' });
    await client.query(`alter database ${name} allow_connections true`);
    await expect
      .poll(readyz, { timeout: 10_000 })
      .toEqual({ status: 'ready', reasons: [], since: {} });
  });
});
