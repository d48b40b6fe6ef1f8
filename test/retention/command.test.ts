import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { runCommand } from '../support/command.ts';
import { createDatabase, type TestDatabase } from '../support/database.ts';
import { insertDays, leafOf, makeDays } from '../support/retention-work.ts';

// Several commands run in it.
vi.setConfig({ testTimeout: 90_000 });

let database: TestDatabase;
beforeAll(async () => {
  database = await createDatabase();
  await makeDays(database, 80);
  await insertDays(database, 70, 65, 1);
});
afterAll(() => database.drop());

const command = (...args: string[]) =>
  runCommand(['retention', ...args], {
    DATABASE_URL: database.url,
    TELEMETRY_RETENTION_BYTES_MAX: '1000000000000',
  });
const left = () => database.count('select count(*) from system_telemetry');

it('says what is due, and does it', async () => {
  const dry = await command('--dry-run', '--json');
  expect(dry).toMatchObject({ code: 0, stderr: '' });
  const plan = JSON.parse(dry.stdout);
  expect(plan).toMatchObject({ kept: [], bytes_max: 1_000_000_000_000 });
  expect(plan.due).toMatchObject(
    [70, 65].map((days) => ({
      table: 'system_telemetry',
      partition: leafOf('system_telemetry', days),
      reason: 'age',
    })),
  );
  expect(await left()).toBe(3);
  const done = await command();
  expect(done).toMatchObject({ code: 0, stderr: '' });
  expect(done.stdout).toContain('the rows of 2 partitions are dropped');
  expect(await left()).toBe(1);
  expect(await database.rows('select action from telemetry_audit')).toEqual([
    { action: 'retention run' },
  ]);
  expect(JSON.parse((await command('--dry-run', '--json')).stdout).due).toEqual([]);
});
