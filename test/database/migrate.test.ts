import { expect, it } from 'vitest';
import { startCollector } from '../support/collector.ts';
import { createDatabase } from '../support/database.ts';

it('brings an empty database up to date though ten collectors start at once', async () => {
  const database = await createDatabase('empty');
  const collectors = await Promise.all(
    Array.from({ length: 10 }, () => startCollector({}, database)),
  );
  const posted = await Promise.all(
    collectors.map(({ baseUrl }) =>
      fetch(`${baseUrl}/v1/telemetry/log`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: '{"event_type":"STARTED"}',
      }),
    ),
  );
  expect(posted.map(({ status }) => status)).toEqual(Array(10).fill(200));
  await Promise.all(collectors.map((collector) => collector.stop()));
  expect(await database.count('select count(*) from system_telemetry')).toBe(10);
  expect(await database.count('select count(*) from telemetry_migration')).toBe(1);
  await database.drop();
});
