import { readFileSync } from 'node:fs';
import { uuidv7 } from 'uuidv7';
import { expect, it } from 'vitest';
import { createDatabase } from '../support/database.ts';
import { beginOutage } from '../support/outage.ts';
import { spawnCollector } from '../support/process.ts';
import { deliver } from '../support/resending-client.ts';

const mebibyte = 1024 * 1024;

/** The most memory that a process has had resident so far, in bytes. */
function peakBytes(pid: number): number {
  const line = /VmHWM:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'));
  return Number(line?.[1]) * 1024;
}

it.runIf(process.platform === 'linux')(
  'stays below 256 MB at full load and through an outage',
  async () => {
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
  },
  120_000,
);
