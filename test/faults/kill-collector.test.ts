import { join } from 'node:path';
import pg from 'pg';
import { uuidv7 } from 'uuidv7';
import { expect, it } from 'vitest';
import { runningServer } from '../../src/postgres/embedded/server.ts';
import { freePort } from '../support/free-port.ts';
import { type CollectorProcess, spawnCollector } from '../support/process.ts';
import { deliver } from '../support/resending-client.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';

const batchRows = 1000;
const batchCount = 1000;
const kills = 5;

it('stores 1,000,000 streamed events exactly once though it is killed five times', async () => {
  const directory = temporaryDirectory();
  const env = {
    TELEMETRY_DATA_DIR: join(directory.path, 'data'),
    TELEMETRY_PORT: String(await freePort()),
    DATABASE_URL: '',
  };
  let collector = await spawnCollector(env);
  const batches = Array.from({ length: batchCount }, (_, batch) => ({
    batchId: uuidv7(),
    events: Array.from({ length: batchRows }, (_, index) => ({
      eventType: 'COUNTED',
      component: `batch-${batch}`,
      value: batch * batchRows + index,
    })),
  }));
  let killed = 0;
  let restarting: Promise<CollectorProcess> | undefined;
  const killNow = async () => {
    await collector.end('SIGKILL');
    collector = await spawnCollector(env);
    restarting = undefined;
    return collector;
  };
  const { brokenStreams } = await deliver(collector.baseUrl, batches, (acknowledged) => {
    const due = acknowledged >= ((killed + 1) * batchCount) / (kills + 1);
    if (!due || killed === kills || restarting) return;
    killed += 1;
    restarting = killNow();
  });
  await restarting;
  expect(killed).toBe(kills);
  expect(brokenStreams).toBeGreaterThanOrEqual(kills);

  const client = new pg.Client(runningServer(env.TELEMETRY_DATA_DIR) as pg.ClientConfig);
  await client.connect();
  const count = async () => {
    const text =
      'select count(*)::int as rows, count(distinct value)::int as events, min(value), max(value) from system_telemetry';
    return (await client.query(text)).rows;
  };
  // What came while the database was starting was spooled first.
  await expect
    .poll(count, { timeout: 30_000 })
    .toEqual([{ rows: 1_000_000, events: 1_000_000, min: 0, max: 999_999 }]);
  await client.end();
  expect(await collector.end('SIGTERM')).toBe(0);
  directory.remove();
}, 180_000);
