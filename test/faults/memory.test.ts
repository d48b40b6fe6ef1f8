import { readFileSync } from 'node:fs';
import { uuidv7 } from 'uuidv7';
import { describe, expect, it } from 'vitest';
import { createDatabase } from '../support/database.ts';
import { keepPosting } from '../support/live-load.ts';
import { metric } from '../support/metrics.ts';
import { beginOutage } from '../support/outage.ts';
import { spawnCollector } from '../support/process.ts';
import { deliver } from '../support/resending-client.ts';

const mebibyte = 1024 * 1024;
/** The test's own limit ends it. */
const forAsLongAsItTakes = { timeout: 120_000, interval: 100 };

/** The most memory that a process has had resident so far, in bytes. */
function peakBytes(pid: number): number {
  const line = /VmHWM:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'));
  return Number(line?.[1]) * 1024;
}

describe.runIf(process.platform === 'linux')('the process', () => {
  it('stays below 256 MB at full load and through an outage', async () => {
    const database = await createDatabase();
    const collector = await spawnCollector({ DATABASE_URL: database.url });
    const batches = (count: number) =>
      Array.from({ length: count }, (_, batch) => ({
        batchId: uuidv7(),
        events: Array.from({ length: 1000 }, (_, index) => ({
          eventType: 'LOADED',
          component: `component-${batch % 10}`,
          value: batch * 1000 + index,
          metadata: { position: index, text: 'x'.repeat(50) },
        })),
      }));
    await deliver(collector.baseUrl, batches(300));
    const endOutage = await beginOutage(database);
    // An hour at 5,000 events a second spools as these do: nothing is kept in memory for them.
    await deliver(collector.baseUrl, batches(300));
    await endOutage();
    while ((await database.count('select count(*) from system_telemetry')) < 600_000) {
      // The spool is being drained.
    }
    expect(peakBytes(collector.process.pid as number)).toBeLessThan(256 * mebibyte);
    expect(await collector.end('SIGTERM')).toBe(0);
    await database.drop();
  }, 120_000);

  it('stays below 256 MB through an outage of single posts, and stores each once', async () => {
    const database = await createDatabase();
    const collector = await spawnCollector({ DATABASE_URL: database.url });
    const acknowledged: number[] = [];
    let sent = 0;
    const posts = keepPosting(
      collector.port,
      64,
      () => ({
        event_type: 'POSTED',
        component: 'L1',
        value: sent++,
        metadata: { text: 'x'.repeat(500) },
      }),
      ({ value }) => acknowledged.push(value),
    );
    const untilAcknowledged = async (durability: 'committed' | 'spooled', more: number) => {
      const enough = posts.counts[durability] + more;
      await expect.poll(() => posts.counts[durability], forAsLongAsItTakes).toBeGreaterThan(enough);
    };
    await untilAcknowledged('committed', 1000);
    const endOutage = await beginOutage(database);
    await untilAcknowledged('spooled', 10_000);
    await endOutage();
    // Live posts are committed again beside the spool's.
    await untilAcknowledged('committed', 1000);
    await posts.stop();
    const pending = () =>
      metric(collector.baseUrl, 'telemetry_records_pending{table="system_telemetry"}');
    await expect.poll(pending, forAsLongAsItTakes).toBe(0);
    const rows = await database.rows<{ value: number; count: number }>(
      'select value, count(*)::int as count from system_telemetry group by value',
    );
    expect(rows.filter(({ count }) => count > 1)).toEqual([]);
    const stored = new Set(rows.map(({ value }) => value));
    expect(acknowledged.filter((value) => !stored.has(value))).toEqual([]);
    expect(peakBytes(collector.process.pid as number)).toBeLessThan(256 * mebibyte);
    expect(await collector.end('SIGTERM')).toBe(0);
    await database.drop();
  }, 120_000);
});
