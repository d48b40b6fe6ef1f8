import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { startCollector } from '../support/collector.ts';
import { runCommand } from '../support/command.ts';
import { createDatabase, type TestDatabase } from '../support/database.ts';
import { postJson } from '../support/http.ts';
import { generations } from '../support/older-generations.ts';
import { olderTelemetry, olderUsage } from '../support/older-tables.ts';

// Several commands run in each of them.
vi.setConfig({ testTimeout: 150_000 });

const page = readFileSync(
  new URL('../../docs/moving-from-the-application-module.md', import.meta.url),
  'utf8',
);
const section = (title: string) =>
  page.split(/^## /m).find((part) => part.startsWith(`${title}\n`)) as string;
const blocks = (language: string, title = 'The tables') =>
  [...section(title).matchAll(new RegExp(`^ *\`\`\`${language}\\n(.*?)\`\`\``, 'gms'))].map(
    ([, code = '']) => code.trim(),
  );

let database: TestDatabase;
beforeEach(async () => {
  database = await createDatabase('empty');
});
afterEach(() => database.drop());

/** A command of the page, as it stands there. */
async function run(command: string | undefined): Promise<string> {
  const [, args = ''] = /^npm run --silent start -- (.*)$/.exec(command ?? '') ?? [];
  const { code, stdout, stderr } = await runCommand(args.split(' '), {
    DATABASE_URL: database.url,
  });
  expect(`${code} ${stderr}`).toBe('0 ');
  return stdout;
}

it.each(generations)('moves a table $name step by step', async ({ table, columns, values }) => {
  const names = columns.split(', ').map((column) => column.split(' ')[0]);
  const create = `create table if not exists ${table} (id serial, ${columns}, timestamp timestamp default now())`;
  const index = `create index if not exists idx_${table} on ${table} (timestamp)`;
  await database.rows(`${create}; ${index}`);
  for (let n = 0; n < 3; n++) {
    await database.rows(`insert into ${table} (${names}) values (${values})`);
  }
  const [status, drop] = blocks('sh');
  expect(await run(status)).toContain(`renames it to ${table}_legacy and copies its rows`);

  const telemetry = await startCollector({}, database);
  while (!(await run(status)).includes(`'${table}_legacy' │ '${table}'`)) await sleep(20);
  while ((await database.count(`select count(*) from ${table}`)) < 3) await sleep(20);
  // The older service starts once more, and goes on if its columns are those of the new table.
  await database.rows(`${create}; ${index}`);
  if (!columns.includes('model_name')) {
    await database.rows(`insert into ${table} (${names}) values (${values})`);
  }
  const unfinished = 'select count(*) from adoption where finished_at is null';
  while ((await database.count(unfinished)) > 0) await sleep(20);
  expect(await run(drop)).toContain(`${table}_legacy is dropped: all its rows are in ${table}`);
  await database.rows(index);
  await telemetry.stop();
});

it('keeps the router from dropping the tables by what it says', async () => {
  // The names that the page has; no other test has them.
  await database.rows(`create role application login; create role telemetry login;
    grant application to telemetry; grant create on schema public to application, telemetry;
    set role application; ${olderTelemetry}; ${olderUsage}; reset role`);
  const urlOf = (role: string) => {
    const url = new URL(database.url);
    url.username = role;
    return url.toString();
  };
  const asRouter = (sql: string) =>
    runCommand(['sql', sql], { DATABASE_URL: urlOf('application') });
  const own = { ...database, url: urlOf('telemetry') };
  try {
    await (await startCollector({}, own)).stop();
    expect((await asRouter('drop table usage_stats cascade')).code).toBe(0);
    await (await startCollector({}, own)).stop();
    for (const sql of blocks('sql')) await database.rows(sql);
    for (const table of ['system_telemetry', 'usage_stats']) {
      const dropped = await asRouter(`drop table if exists ${table} cascade`);
      expect(dropped.stderr).toContain(`must be owner of table ${table}`);
    }
    const inserted = await asRouter(`insert into system_telemetry (event_type) values ('DIRECT')`);
    expect(inserted.code).toBe(0);
    const telemetry = await startCollector({}, own);
    const sent = await postJson(`${telemetry.baseUrl}/v1/telemetry/log`, { event_type: 'SENT' });
    expect(sent.body.durability).toBe('DURABILITY_COMMITTED');
    await telemetry.stop();
  } finally {
    await database.rows(`drop owned by application, telemetry cascade;
      drop role application; drop role telemetry`);
  }
});

it('removes old rows by what it says, after the move', async () => {
  await database.rows(`${olderTelemetry}; insert into system_telemetry (event_type, timestamp)
    select 'AGED', now() - days * interval '1 day' from unnest(array[90, 61, 59, 1]) as days`);
  const [assignment = ''] = blocks('sh', 'What removes old rows');
  const [, drop] = blocks('sh');
  const [name = '', value] = assignment.split('=');
  const telemetry = await startCollector({ [name]: value }, database);
  const unfinished = 'select count(*) from adoption where finished_at is null';
  while ((await database.count(unfinished)) > 0) await sleep(20);
  const passes = async () =>
    await runCommand(['retention'], { DATABASE_URL: database.url, [name]: value });
  expect((await passes()).stdout).not.toContain('system_telemetry');
  expect(await database.count('select count(*) from system_telemetry')).toBe(4);
  expect(await run(drop)).toContain('system_telemetry_legacy is dropped');
  await passes();
  expect(await database.count('select count(*) from system_telemetry')).toBe(2);
  await telemetry.stop();
});
