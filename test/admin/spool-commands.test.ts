import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { uuidv7 } from 'uuidv7';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { runCommand } from '../support/command.ts';
import { createDatabase, type TestDatabase } from '../support/database.ts';
import { postJson } from '../support/http.ts';
import { beginOutage } from '../support/outage.ts';
import { spawnCollector } from '../support/process.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';

let database: TestDatabase;
let directory: ReturnType<typeof temporaryDirectory>;
beforeEach(async () => {
  database = await createDatabase();
  directory = temporaryDirectory();
});
afterEach(async () => {
  await database.drop();
  directory.remove();
});

const run = (...args: string[]) => runCommand(['spool', ...args], { DATABASE_URL: database.url });

it('tells what a collector that is gone has left, and stores it', async () => {
  const own = { DATABASE_URL: database.url, TELEMETRY_DATA_DIR: directory.path };
  const collector = await spawnCollector(own);
  const endOutage = await beginOutage(database);
  const idempotency_key = uuidv7();
  for (const key of [uuidv7(), idempotency_key, idempotency_key]) {
    const event = { event_type: 'LEFT', idempotency_key: key };
    const { body } = await postJson(`${collector.baseUrl}/v1/telemetry/log`, event);
    expect(body.durability).toBe('DURABILITY_SPOOLED');
  }
  // Beside a collector that runs there is nothing to drain, but something to see.
  expect((await run('status', directory.path)).stdout).toMatch(/batches: 3,\s+records: 3,/);
  expect(await run('drain', directory.path)).toMatchObject({
    code: 1,
    stderr: expect.stringContaining('in use by another collector'),
  });
  expect(await collector.end('SIGTERM')).toBe(0);
  // As many as the drain has begun while they came.
  expect(collector.logs.join('\n')).toMatch(
    /"segments":[1-3],.*"recordsKnown":3.*the spool still holds data/,
  );

  expect(await run('drain', directory.path)).toMatchObject({
    code: 1,
    stderr: expect.stringContaining('the database takes no data'),
  });
  await endOutage();
  const { code, stdout } = await run('drain', directory.path);
  expect(code).toBe(0);
  expect(stdout).toMatch(/stored: 2,\s+duplicate: 1,/);
  expect(await database.count('select count(*) from system_telemetry')).toBe(2);
  expect(
    readdirSync(join(directory.path, 'spool')).filter((name) => name.endsWith('.log')),
  ).toEqual([]);
  expect((await run('status', join(directory.path, 'spool'))).stdout).toContain('segments: 0');
});

it('a start on what was left says so, and when it is stored', async () => {
  const own = { DATABASE_URL: database.url, TELEMETRY_DATA_DIR: directory.path };
  const before = await spawnCollector(own);
  const endOutage = await beginOutage(database);
  await postJson(`${before.baseUrl}/v1/telemetry/log`, { event_type: 'LEFT' });
  expect(await before.end('SIGTERM')).toBe(0);
  await endOutage();
  const after = await spawnCollector(own);
  const said = () => after.logs.join('\n');
  expect(said()).toMatch(/"segments":1,"bytes":\d+.*the spool holds data from before/);
  await expect.poll(said, { timeout: 20_000 }).toContain('the data from before is stored');
  expect(await after.end('SIGTERM')).toBe(0);
  expect(await database.count('select count(*) from system_telemetry')).toBe(1);
});

it('says in a sentence that there is no such directory', async () => {
  const nowhere = join(directory.path, 'nowhere');
  for (const command of ['status', 'drain']) {
    expect(await run(command, nowhere)).toMatchObject({
      code: 1,
      stderr: `there is no directory ${nowhere}\n`,
    });
  }
});
