import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import type { Environment } from '../../src/config.ts';
import { createKysely } from '../../src/database/kysely.ts';
import { dropAdoptedTables } from '../../src/database/legacy-tables.ts';
import { startCollector, type TestCollector } from '../support/collector.ts';
import { runCommand } from '../support/command.ts';
import { createDatabase, type TestDatabase } from '../support/database.ts';
import { getJson } from '../support/http.ts';
import { metric } from '../support/metrics.ts';
import { type Generation, generations } from '../support/older-generations.ts';
import { untilReason } from '../support/readiness.ts';

// Several commands run in each of them.
vi.setConfig({ testTimeout: 150_000 });

let database: TestDatabase;
let telemetry: TestCollector | undefined;
beforeEach(async () => {
  database = await createDatabase('empty');
});
afterEach(async () => {
  await telemetry?.stop();
  telemetry = undefined;
  await database.drop();
});

async function start(env: Environment = {}): Promise<TestCollector> {
  telemetry = await startCollector(env, database);
  return telemetry;
}

async function untilAdopted(): Promise<void> {
  const left = 'select count(*) from adoption where finished_at is null';
  while ((await database.count(left)) > 0) await sleep(20);
}

const legacy = (command: string) => runCommand(['legacy', command], { DATABASE_URL: database.url });

const otherIds = [
  ['bigint', 'id bigint generated always as identity (start with 300000000000000)'],
  ['uuid', 'id uuid default gen_random_uuid()'],
  ['numeric', `id numeric default random()`],
  ['null', 'id integer'],
  ['no', 'other integer'],
] as const;

const cases = [
  ...generations.map((generation) => ({ generation, ids: 'serial', id: 'id serial primary key' })),
  ...otherIds.map(([ids, id]) => ({ generation: generations[0] as Generation, ids, id })),
];

it.each(cases)(
  'adopts a table $generation.name, with $ids ids, and what it was used for goes on',
  async ({ generation: { table, columns, values, adopted }, id }) => {
    const names = columns.split(', ').map((column) => column.split(' ')[0]);
    const insert = `insert into ${table} (${names}) values (${values})`;
    const index = `create index if not exists idx_${table} on ${table} (timestamp desc)`;
    await database.rows(
      `create table ${table} (${id}, ${columns}, timestamp timestamp default now()); ${index}`,
    );
    for (let n = 0; n < 5; n++) await database.rows(insert);
    await start();
    await untilAdopted();
    const rows = await database.rows(`select * from ${table}`);
    expect(rows).toMatchObject(Array(5).fill(adopted));
    expect(new Set(rows.map((row) => row.id)).size).toBe(5);
    await database.rows(index);
    expect(await dropAdoptedTables(createKysely(database.pool))).toEqual([
      { source: `${table}_legacy`, dropped: true, reason: `all its rows are in ${table}` },
    ]);
    await database.rows(index);
  },
);

it('keeps rows that PostgreSQL does not take as dead letters, and copies all others', async () => {
  await database.rows(`
    create table system_telemetry (id serial, event_type varchar(100), component varchar(50),
      value numeric, metadata json, status varchar(20), timestamp timestamp default now());
    insert into system_telemetry (event_type, value, metadata)
      select 'GOOD', n, '{}' from generate_series(1, 12000) as n;
    update system_telemetry set value = 1e400, component = 'too large' where id = 17;
    update system_telemetry set metadata = '{"a": "\\u0000"}', component = 'nul' where id in (6000, 6001);
    update system_telemetry set event_type = null where id = 11999`);
  const { baseUrl } = await start();
  await untilAdopted();
  expect(await database.count('select count(*) from system_telemetry')).toBe(11_996);
  const letters = await database.rows<{ reason: string; text: string; table_name: string }>(
    `select reason, table_name, convert_from("row", 'UTF8') as text from dead_letters order by created_at`,
  );
  expect(letters.map(({ reason }) => reason)).toEqual([
    expect.stringMatching(/out of range.*22003/),
    expect.stringMatching(/22P05/),
    expect.stringMatching(/22P05/),
    expect.stringMatching(/event_type.*23502/),
  ]);
  expect(letters[0]?.text).toContain('"too large"');
  expect(letters[1]?.text).toContain('\\u0000');
  const series = (state: string) =>
    metric(baseUrl, `telemetry_adoption_rows{table="system_telemetry",state="${state}"}`);
  while ((await series('refused')) < 4) await sleep(20);
  expect(await series('copied')).toBe(11_996);
  expect(await series('left')).toBe(0);
  expect((await legacy('status')).stdout).toMatch(/11996.*4/);
  // Where it begins again, they are counted as before and kept once.
  await database.rows('drop table system_telemetry cascade');
  const rows = () => database.count('select count(*) from system_telemetry').catch(() => 0);
  while ((await rows()) !== 11_996) await sleep(20);
  await untilAdopted();
  expect(await database.count('select rows_refused from adoption')).toBe(4);
  expect(await database.count('select count(*) from dead_letters')).toBe(4);
  // What is neither copied nor kept is not dropped.
  await database.rows(`delete from dead_letters where reason like '%22003%'`);
  const kept = await legacy('drop');
  expect(kept.stdout).toMatch(/system_telemetry_legacy is kept: 1 of its rows/);
  expect(kept.code).toBe(1);
  expect((await legacy('copy')).code).toBe(0);
  // Whoever mends a row has it copied after all.
  await database.rows('update system_telemetry_legacy set value = 7 where id = 17');
  expect((await legacy('copy')).code).toBe(0);
  expect(await database.count('select count(*) from dead_letters')).toBe(3);
  expect(await database.count('select count(*) from system_telemetry where value = 7')).toBe(2);
  expect((await legacy('drop')).stdout).toContain('is dropped');
  expect(await database.count('select count(*) from system_telemetry')).toBe(11_997);
});

it.each(['P0001', '57014'])(
  'keeps a row that a trigger refuses, with SQLSTATE %s, unless it refuses all',
  async (sqlState) => {
    await database.rows(`
      create table system_telemetry (id serial, event_type varchar(100), component varchar(50),
        value float, metadata jsonb, status varchar(20), timestamp timestamp default now());
      insert into system_telemetry (event_type, component) values ('GOOD', 'a'), ('BAD', 'b')`);
    await start();
    await untilAdopted();
    const refuse = (when: string) => `
      create or replace function refuse() returns trigger language plpgsql as $$
        begin
          if ${when} then raise exception using errcode = '${sqlState}', message = 'no'; end if;
          return new;
        end $$;
      delete from system_telemetry where event_type in ('GOOD', 'BAD')`;
    await database.rows(refuse('true'));
    await database.rows(`create trigger refuse before insert on system_telemetry
      for each row execute function refuse()`);
    const letters = () => database.count('select count(*) from dead_letters');
    await telemetry?.stop();
    telemetry = undefined;
    expect((await legacy('copy')).code).toBe(1);
    expect(await letters()).toBe(0);
    await database.rows(refuse(`new.event_type = 'BAD'`));
    expect((await legacy('copy')).code).toBe(0);
    expect(await database.rows('select event_type, component from system_telemetry')).toEqual([
      { event_type: 'GOOD', component: 'a' },
    ]);
    expect(await letters()).toBe(1);
  },
);

it('is not stopped by the time that a role has for a statement', async () => {
  const name = new URL(database.url).pathname.slice(1);
  await database.rows(`
    create table system_telemetry (id serial, event_type text, timestamp timestamp default now());
    insert into system_telemetry (event_type) select 'A' from generate_series(1, 100000);
    alter database ${name} set statement_timeout = '50ms';
    alter database ${name} set default_transaction_read_only = on;
    alter database ${name} set datestyle = 'SQL, DMY';
    alter database ${name} set timezone = 'Asia/Kathmandu';`);
  await start();
  await untilAdopted();
  expect(await database.count('select count(*) from only system_telemetry_default')).toBe(0);
  expect(await database.count('select count(*) from system_telemetry')).toBe(100_000);
});

it.each([
  {
    what: 'a time that is none',
    ddl: 'create table system_telemetry (id serial, event_type text, timestamp text)',
    obstacle: /the column timestamp of system_telemetry_legacy is text/,
    mend: `alter table system_telemetry_legacy alter column timestamp type timestamp using timestamp::timestamp`,
  },
  {
    what: 'no type',
    ddl: 'create table system_telemetry (id serial, timestamp timestamp default now())',
    obstacle: /system_telemetry_legacy has no column event_type/,
    mend: `alter table system_telemetry_legacy add column event_type text default 'UNKNOWN'`,
  },
  {
    what: 'a column that can not be converted',
    ddl: 'create table system_telemetry (id serial, event_type text, value boolean, timestamp timestamp)',
    obstacle: /boolean.*change system_telemetry_legacy so that its rows fit/,
    mend: 'alter table system_telemetry_legacy drop column value',
  },
  {
    what: 'a view',
    ddl: `create view system_telemetry as select 'A' as event_type, now() as timestamp`,
    obstacle: /system_telemetry_legacy is a view, whose rows are not copied/,
    mend: 'drop view system_telemetry_legacy',
  },
])('says what to do about $what, and goes on when it is done', async ({ ddl, obstacle, mend }) => {
  await database.rows(`${ddl};
    create table usage_stats (id serial, model text, timestamp timestamp default now());
    insert into usage_stats (model) values ('llama')`);
  if (ddl.includes('table')) await database.rows('insert into system_telemetry (id) values (1)');
  const { baseUrl } = await start();
  expect((await untilReason(baseUrl, obstacle)).status).toBe(200);
  // The other table does not wait.
  while ((await database.count('select count(*) from usage_stats')) < 1) await sleep(20);
  expect((await legacy('status')).stdout).toMatch(obstacle);
  expect((await legacy('drop')).stdout).toMatch(/system_telemetry_legacy is kept/);
  await database.rows(mend);
  await untilAdopted();
  while ((await getJson(`${baseUrl}/readyz`)).body.reasons.length > 0) await sleep(20);
});

it('adopts a partitioned table, and leaves a …_legacy of others alone', async () => {
  await database.rows(`
    create table system_telemetry_legacy (note text);
    create table system_telemetry (id serial, event_type text, timestamp timestamp) partition by range (timestamp);
    create table system_telemetry_default partition of system_telemetry default;
    create table system_telemetry_2026 partition of system_telemetry
      for values from ('2026-01-01') to ('2027-01-01');
    insert into system_telemetry (event_type, timestamp) values ('A', '2026-03-03'), ('B', '2025-03-03')`);
  await start();
  await untilAdopted();
  expect(await database.rows('select event_type from system_telemetry order by 1')).toEqual([
    { event_type: 'A' },
    { event_type: 'B' },
  ]);
  expect((await legacy('drop')).stdout).toContain('system_telemetry_legacy_2 is dropped');
  expect(await database.count('select count(*) from system_telemetry_legacy')).toBe(0);
});

it('names what refers to the older table, before the move and after it', async () => {
  await database.rows(`
    create table system_telemetry (id serial primary key, event_type text, timestamp timestamp);
    create view latest as select * from system_telemetry;
    create table notes (event integer references system_telemetry (id))`);
  const dependents = /foreign key notes_event_fkey of notes, view latest/;
  const before = await legacy('status');
  expect(before.stdout).toMatch(/renames it to system_telemetry_legacy/);
  expect(before.stdout).toMatch(dependents);
  await start();
  await untilAdopted();
  expect((await legacy('status')).stdout).toMatch(dependents);
  const kept = await legacy('drop');
  expect(kept.stdout).toMatch(/kept: these refer to it: foreign key/);
  await database.rows('drop view latest; drop table notes');
  expect((await legacy('drop')).stdout).toContain('is dropped');
});

it("leaves the older table's owner in possession of the new one", async () => {
  const role = `application_${process.pid}`;
  const url = new URL(database.url);
  url.username = role;
  await database.rows(`create role ${role} login; grant create on schema public to ${role}`);
  try {
    const asOwner = (query: string) => runCommand(['sql', query], { DATABASE_URL: url.toString() });
    await database.rows(`set role ${role};
      create table system_telemetry (id serial, event_type text, timestamp timestamp default now());
      insert into system_telemetry (event_type) values ('A'); reset role`);
    await start();
    await untilAdopted();
    for (const query of [
      'create table if not exists system_telemetry (id serial)',
      'create index if not exists idx_type on system_telemetry (event_type)',
      'alter table system_telemetry add column if not exists status text',
      `insert into system_telemetry (event_type) values ('B')`,
      `delete from system_telemetry where event_type = 'A'`,
    ]) {
      expect(await asOwner(query)).toMatchObject({ code: 0 });
    }
    expect(await database.rows('select event_type from system_telemetry')).toEqual([
      { event_type: 'B' },
    ]);
  } finally {
    await telemetry?.stop();
    telemetry = undefined;
    await database.rows(`drop owned by ${role} cascade; drop role ${role}`);
  }
});
