import { afterAll, beforeAll, expect, it } from 'vitest';
import { runCommand } from '../support/command.ts';
import { createDatabase, type TestDatabase } from '../support/database.ts';

let database: TestDatabase;
beforeAll(async () => {
  database = await createDatabase();
});
afterAll(() => database.drop());

const distribute = (...args: string[]) =>
  runCommand(['distribute', ...args], { DATABASE_URL: database.url });

it('says of plain PostgreSQL that nothing is to be distributed', async () => {
  const { code, stdout, stderr } = await distribute('--dry-run');
  expect({ code, stdout, lines: stderr.trim().split('\n').length }).toEqual({
    code: 1,
    stdout: '',
    lines: 1,
  });
  expect(stderr).toContain('plain PostgreSQL, without the extension Citus');
});

it.each(['1', '1025', '2.5', 'many', ''])('refuses --shards %j, by name', async (shards) => {
  const { code, stderr } = await distribute('--shards', shards);
  expect(code).toBe(1);
  expect(stderr).toContain('--shards: ');
  expect(stderr).toContain('expects a whole number from 2 to 1024');
});
