import { execFileSync } from 'node:child_process';
import { expect, it } from 'vitest';
import { createDatabase } from '../support/database.ts';
import { postJson } from '../support/http.ts';
import { beginOutage } from '../support/outage.ts';
import { spawnCollector } from '../support/process.ts';

const fileBytesMax = 64 * 1024;

it('refuses what a failed write was to make durable, and goes on in another segment (5.4)', async () => {
  const database = await createDatabase();
  const collector = await spawnCollector({ DATABASE_URL: database.url });
  const endOutage = await beginOutage(database);
  // From here on no file may grow past the limit, as if the disk were full.
  execFileSync('prlimit', [`--pid=${collector.process.pid}`, `--fsize=${fileBytesMax}`]);
  const acknowledged: number[] = [];
  let refused = 0;
  for (let value = 0; value < 12; value++) {
    const { status, body } = await postJson(`${collector.baseUrl}/v1/telemetry/log`, {
      event_type: 'LARGE',
      value,
      metadata: { text: 'x'.repeat(25_000) },
    });
    if (status === 200) acknowledged.push(value);
    else expect([status, body.code]).toEqual([503, 'unavailable']);
    refused += status === 200 ? 0 : 1;
  }
  expect(refused).toBeGreaterThan(1);
  expect(acknowledged.length).toBeGreaterThan(4);
  await endOutage();
  const stored = 'select value from system_telemetry order by value';
  const isComplete = async () => {
    const values = (await database.rows<{ value: number }>(stored)).map(({ value }) => value);
    return acknowledged.every((value) => values.includes(value));
  };
  while (!(await isComplete())) {
    // The spool is being drained.
  }
  const duplicates = 'select count(*) - count(distinct value) from system_telemetry';
  expect(await database.count(duplicates)).toBe(0);
  expect(await collector.end('SIGTERM')).toBe(0);
  await database.drop();
});
