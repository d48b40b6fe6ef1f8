import { join } from 'node:path';
import { uuidv7 } from 'uuidv7';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { runCommand } from '../support/command.ts';
import { createDatabase, type TestDatabase } from '../support/database.ts';
import { getJson, postJson } from '../support/http.ts';
import { spawnCollector } from '../support/process.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';

const directory = temporaryDirectory();
const embedded = { DATABASE_URL: '', TELEMETRY_DATA_DIR: join(directory.path, 'data') };
let database: TestDatabase;
beforeAll(async () => {
  database = await createDatabase();
});
afterAll(async () => {
  await database.drop();
  directory.remove();
});

it('an embedded database moves into another one, and goes on there', async () => {
  const before = await spawnCollector(embedded);
  const first = { event_type: 'MOVED', value: 1, idempotency_key: uuidv7() };
  const old = { event_type: 'MOVED', value: 2, timestamp: new Date(Date.now() - 5 * 86_400_000) };
  for (const event of [first, old]) {
    expect((await postJson(`${before.baseUrl}/v1/telemetry/log`, event)).status).toBe(200);
  }
  const move = () => runCommand(['move', '--to', database.url, '--json'], embedded);
  expect(await move()).toMatchObject({
    code: 1,
    stderr: expect.stringContaining('a collector runs on it'),
  });
  expect(await before.end('SIGTERM')).toBe(0);

  // As if it had broken off in the middle: an index of somebody's takes no such row.
  const refusing = 'alter table system_telemetry add constraint no_two check (value <> 2)';
  await database.rows(refusing);
  expect(await move()).toMatchObject({
    code: 1,
    stderr: expect.stringContaining('run it again to go on'),
  });
  await database.rows('alter table system_telemetry drop constraint no_two');
  const { code, stdout, stderr } = await move();
  expect([code, stderr]).toEqual([0, '']);
  const { parts } = JSON.parse(stdout);
  expect(parts.some(({ before }: { before: boolean }) => before)).toBe(true);
  expect(await database.count('select count(*) from system_telemetry')).toBe(2);

  const after = await spawnCollector({ ...embedded, DATABASE_URL: database.url });
  const again = await postJson(`${after.baseUrl}/v1/telemetry/log`, first);
  expect(again).toMatchObject({ status: 200, body: { duplicate: true } });
  await postJson(`${after.baseUrl}/v1/telemetry/log`, { event_type: 'MOVED', component: 'new' });
  const { body } = await getJson(`${after.baseUrl}/v1/telemetry/events`);
  expect(body).toHaveLength(3);
  expect(await after.end('SIGTERM')).toBe(0);
  const other = await move();
  expect([other.code, other.stderr]).toEqual([1, expect.stringContaining('records of its own')]);
}, 240_000);
