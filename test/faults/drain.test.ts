import { expect, it } from 'vitest';
import { createDatabase } from '../support/database.ts';
import { keepPosting, keepStreaming } from '../support/live-load.ts';
import { accountOf, imbalance, metric } from '../support/metrics.ts';
import { beginOutage } from '../support/outage.ts';
import { spawnCollector } from '../support/process.ts';

const spooledMin = 100_000;
/** The test's own limit ends it. */
const forAsLongAsItTakes = { timeout: 120_000, interval: 20 };

it('drains the spool beside clients that send all they can, while theirs is committed too', async () => {
  const database = await createDatabase();
  const collector = await spawnCollector({
    DATABASE_URL: database.url,
    // However slow the machine is, what comes after the outage is not spooled.
    TELEMETRY_COMMIT_MS_MAX: '60000',
    TELEMETRY_STREAM_COMMIT_MS_MAX: '60000',
  });
  const streams = keepStreaming(collector.port, 2, 1000);
  const posts = keepPosting(collector.port, 16, () => ({ event_type: 'LIVE' }));
  const loads = [streams, posts];
  const endOutage = await beginOutage(database);
  await expect.poll(() => streams.counts.spooled, forAsLongAsItTakes).toBeGreaterThan(spooledMin);
  const before = loads.map(({ counts }) => counts.committed);
  await endOutage();
  const spoolBytes = () => metric(collector.baseUrl, 'telemetry_spool_bytes');
  await expect.poll(spoolBytes, forAsLongAsItTakes).toBe(0);
  const committed = loads.map(({ counts }, index) => counts.committed - (before[index] as number));
  await Promise.all(loads.map((load) => load.stop()));
  for (const records of committed) expect(records).toBeGreaterThan(0);
  const account = () => accountOf(collector.baseUrl);
  await expect.poll(async () => (await account()).pending, forAsLongAsItTakes).toBe(0);
  expect(imbalance(await account())).toBe(0);
  const acknowledged = loads.reduce(
    (sum, { counts }) => sum + counts.committed + counts.spooled,
    0,
  );
  // Posts that were refused may have been stored all the same.
  const stored = await database.count('select count(*) from system_telemetry');
  expect(stored).toBeGreaterThanOrEqual(acknowledged);
  expect(stored).toBeLessThanOrEqual(acknowledged + posts.counts.refused);
  expect(await collector.end('SIGTERM')).toBe(0);
  await database.drop();
}, 120_000);
