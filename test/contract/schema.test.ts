import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { startCollector } from '../support/collector.ts';
import { createDatabase } from '../support/database.ts';
import { dumpSchema } from './dump-schema.ts';

const goldenText = readFileSync(new URL('./schema.sql', import.meta.url), 'utf8');

// After a deliberate change: npx vitest run test/contract/schema.test.ts --update
it('makes the tables that are written down, and a collector adds but partitions', async () => {
  const database = await createDatabase();
  const text = await dumpSchema(database.pool);
  await expect(text).toMatchFileSnapshot('./schema.sql');
  const telemetry = await startCollector({}, database);
  expect(await dumpSchema(database.pool)).toBe(text);
  await telemetry.stop();
  await database.drop();
});

const oneOfEach = `
  create type mood as enum ('good', 'bad');
  create type pair as (a integer, b text);
  create domain share as double precision check (value between 0 and 1);
  create function twice(n integer) returns integer language sql immutable return 2 * n;
  create procedure forget() language sql as 'select 1';
  create aggregate total(integer) (sfunc = int4pl, stype = integer, initcond = '0', parallel = safe);
  create sequence numbers increment 5;
  create table things (
    id bigint generated always as identity,
    number bigint default nextval('numbers'),
    name text collate "C" not null,
    size integer generated always as (length(name)) stored,
    mood mood default 'good',
    constraint things_pkey primary key (id),
    constraint sized check (size < 100)
  ) with (fillfactor = 90);
  create table parts (thing bigint references things (id), at date) partition by range (at);
  create table parts_default partition of parts default;
  create table parts_older partition of parts for values from (minvalue) to ('2026-01-01');
  create table parts_20260101 partition of parts for values from ('2026-01-01') to ('2026-01-02');
  create index on parts (thing) where at is not null;
  create unique index on things (lower(name)) include (mood);
  create view named as select id, name from things;
  create materialized view counted as select mood, total(size) from things group by mood;
  create trigger same before update on things for each row
    execute function suppress_redundant_updates_trigger();
`;

it.each([
  ['all that is written down', goldenText],
  ['one of each kind', oneOfEach],
])('writes down %s as SQL that makes it again', async (_, schema) => {
  const [first, second] = [await createDatabase('empty'), await createDatabase('empty')];
  await first.pool.query(schema);
  const text = await dumpSchema(first.pool);
  await second.pool.query(text);
  expect(await dumpSchema(second.pool)).toBe(text);
  await first.drop();
  await second.drop();
});

it('leaves nothing out but partitions of a day', async () => {
  const database = await createDatabase('empty');
  await database.pool.query(oneOfEach);
  const text = await dumpSchema(database.pool);
  const count = (sql: string) => sql.match(/^ *create /gim)?.length;
  expect(count(text)).toBe((count(oneOfEach) as number) - 1);
  expect(text).toContain('REFERENCES things(id)');
  for (const part of [
    'collate "C"',
    'fillfactor=90',
    'sized CHECK',
    'identity',
    'stored',
    'good',
  ]) {
    expect(text).toContain(part);
  }
  await database.drop();
});
