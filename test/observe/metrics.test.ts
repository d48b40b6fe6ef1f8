import { rename } from 'node:fs/promises';
import { afterAll, beforeAll, expect, it } from 'vitest';
import manifest from '../../package.json' with { type: 'json' };
import { startCollector, type TestCollector } from '../support/collector.ts';
import { getJson, postJson } from '../support/http.ts';
import { metric } from '../support/metrics.ts';
import { hasPromtool, promtool } from '../support/promtool.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';

let telemetry: TestCollector;
beforeAll(async () => {
  telemetry = await startCollector();
});
afterAll(() => telemetry.stop());

const read = (name: string) => metric(telemetry.baseUrl, name);
const log = '/v1/telemetry/log';

it('requests are counted by route and code, with their duration', async () => {
  const { baseUrl } = telemetry;
  await postJson(`${baseUrl}${log}`, { event_type: 'A' });
  await postJson(`${baseUrl}${log}`, { event_type: '' });
  await getJson(`${baseUrl}/v1/telemetry/events?limit=x`);
  await getJson(`${baseUrl}/nothing/of/that/name`);
  const count = (route: string, code: string) =>
    read(`telemetry_requests_total{route="${route}",code="${code}"}`);
  await expect.poll(() => count(log, 'ok')).toBe(1);
  await expect.poll(() => count('/v1/telemetry/events', 'invalid_argument')).toBe(1);
  await expect.poll(() => count('/', 'not_found')).toBe(1);
  expect(await count(log, 'invalid_argument')).toBe(1);
  expect(await read(`telemetry_request_duration_seconds_count{route="${log}"}`)).toBe(2);
});

it('commits are timed, and the database, the disk and what waits are told', async () => {
  expect(await read('telemetry_commit_duration_seconds_count{source="callers"}')).toBeGreaterThan(
    0,
  );
  await expect.poll(() => read('telemetry_database_up')).toBe(1);
  expect(await read('telemetry_disk_free_bytes')).toBeGreaterThan(1_000_000);
  expect(await read('telemetry_spool_oldest_age_seconds')).toBe(0);
  await expect.poll(() => read('telemetry_dead_letters_waiting')).toBe(0);
  expect(await read('telemetry_connections')).toBeGreaterThan(0);
  expect(await read('telemetry_streams')).toBe(0);
  expect(await read('telemetry_tails')).toBe(0);
});

it('what can not be told is NaN, and all the rest is told', async () => {
  const directory = temporaryDirectory();
  const data = `${directory.path}/data`;
  const other = await startCollector({ TELEMETRY_DATA_DIR: data });
  await rename(data, `${data}-away`);
  try {
    const text = await (await fetch(`${other.baseUrl}/metrics`)).text();
    expect(text).toContain('telemetry_disk_free_bytes Nan\n');
    expect(text).toContain('telemetry_records_received_total{');
  } finally {
    await rename(`${data}-away`, data);
    await other.stop();
    directory.remove();
  }
});

it('the release is in the metrics and in /health', async () => {
  const { version } = manifest;
  const node = process.versions.node;
  expect(await read(`telemetry_build_info{version="${version}",node_version="${node}"}`)).toBe(1);
  expect((await getJson(`${telemetry.baseUrl}/health`)).body).toMatchObject({ version });
});

it.runIf(hasPromtool)('are what promtool wants', async () => {
  const text = await (await fetch(`${telemetry.baseUrl}/metrics`)).text();
  expect(promtool(['check', 'metrics'], text)).toBe('');
});
