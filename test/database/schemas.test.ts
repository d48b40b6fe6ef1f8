import { setTimeout as sleep } from 'node:timers/promises';
import { sql } from 'kysely';
import { uuidv7 } from 'uuidv7';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { Collector } from '../../src/collector.ts';
import { createKysely } from '../../src/database/kysely.ts';
import { createPool } from '../../src/postgres/pool.ts';
import { upkeepLimits } from '../../src/postgres/settings.ts';
import { dayMs } from '../../src/units.ts';
import { uuidV7AtMs } from '../../src/uuid.ts';
import { eventBatch } from '../support/batches.ts';
import { startCollector } from '../support/collector.ts';
import { runCommand } from '../support/command.ts';
import { createCommitter } from '../support/committer.ts';
import { testConfig } from '../support/config.ts';
import { createDatabase, type TestDatabase } from '../support/database.ts';
import { postJson } from '../support/http.ts';
import { silentLogger } from '../support/logger.ts';
import { insertOlder, olderTelemetry } from '../support/older-tables.ts';

// Several commands run in each of them.
vi.setConfig({ testTimeout: 150_000 });

let database: TestDatabase;
beforeEach(async () => {
  database = await createDatabase('empty');
});
afterEach(() => database.drop());

/** The database as an installation sees it whose tables are in a schema of its own. */
function inSchema(path: string): TestDatabase {
  const options = encodeURIComponent(`-c search_path=${path}`);
  return { ...database, url: `${database.url}&options=${options}` };
}

const nameOf = ({ url }: TestDatabase) => new URL(url).pathname.slice(1);
const post = (baseUrl: string, event_type: string) =>
  postJson(`${baseUrl}/v1/telemetry/log`, { event_type });
const countIn = (schema: string) =>
  database.count(`select count(*) from ${schema}.system_telemetry`).catch(() => -1);

describe('two installations in two schemas of one database', () => {
  it('have tables of their own, though each finds those of the other on its path', async () => {
    await database.rows('create schema one; create schema two');
    await database.rows(olderTelemetry.replace('system_telemetry', 'two.system_telemetry'));
    await database.rows(
      `insert into two.system_telemetry (event_type) select 'OLD' from generate_series(1, 10)`,
    );
    const first = await startCollector({}, inSchema('one,two,public'));
    // The older table of the other one is none of its business.
    expect(await database.rows(`select to_regclass('two.system_telemetry_legacy') as is`)).toEqual([
      { is: null },
    ]);
    const second = await startCollector({}, inSchema('two,one,public'));
    await post(first.baseUrl, 'FIRST');
    while ((await countIn('two')) < 10) await sleep(20);
    expect(await countIn('one')).toBe(1);

    await database.rows('drop table one.system_telemetry cascade');
    while ((await countIn('one')) !== 0) await sleep(20);
    await post(first.baseUrl, 'FIRST');
    while ((await countIn('one')) !== 1) await sleep(20);
    expect(await countIn('two')).toBe(10);
    const legacy = (command: string, schemas: string) =>
      runCommand(['legacy', command], { DATABASE_URL: inSchema(schemas).url });
    expect((await legacy('status', 'one,two')).stdout).toBe('no older tables are adopted\n');
    expect((await legacy('drop', 'one,two')).stdout).toContain('nothing to drop');
    expect((await legacy('drop', 'two,one')).stdout).toContain(
      'system_telemetry_legacy is dropped',
    );
    await Promise.all([first.stop(), second.stop()]);
  });

  it.each([
    ['callers', 'system_telemetry'],
    ['callers', 'batch_ledger'],
    ['spool', 'system_telemetry'],
    ['spool', 'batch_ledger'],
  ] as const)(
    'write nothing to the tables of the other one: %s, without %s',
    async (from, table) => {
      const [odd, other] = ['an "odd.name', 'two'];
      await database.rows(`create schema "an ""odd.name"; create schema two`);
      for (const schema of [other, odd]) {
        await database.rows(`alter database ${nameOf(database)} set search_path to
        ${schema === odd ? '"an ""odd.name", two' : 'two'}`);
        await (await startCollector({}, database)).stop();
      }
      const { committer, end } = createCommitter(database, from);
      const group = () => ({ id: uuidv7(), batches: [eventBatch(2)] });
      const known = group();
      expect(await committer.commit(known)).toEqual([{ kind: 'stored' }]);
      await database.rows(`alter table "an ""odd.name".${table} rename to elsewhere`);
      await expect(committer.commit(group())).rejects.toThrow(/42P01/);
      // Answered by the ledger, as long as that is there.
      await committer.commit(known).catch(() => {});
      expect(await countIn(other)).toBe(0);
      expect(await database.count(`select count(*) from two.batch_ledger`)).toBe(0);
      await database.rows(`alter table "an ""odd.name".elsewhere rename to ${table}`);
      expect(await committer.commit(group())).toEqual([{ kind: 'stored' }]);
      expect(await countIn('"an ""odd.name"')).toBe(4);
      await end();
    },
  );

  it('neither read nor change what is of the other one, without a table of their own', async () => {
    await database.rows(`create schema one; create schema two; create schema three;
      create function three.helper() returns int language sql as 'select 7';
      create table two.system_telemetry (event_type text);
      insert into two.system_telemetry values ('OF TWO');
      create table one.dead_letters ()`);
    const pool = createPool({
      connection: { connectionString: inSchema('one,two,three').url },
      applicationName: 'test upkeep',
      connectionsMax: 1,
      limits: upkeepLimits,
      logger: silentLogger,
    });
    const db = createKysely(pool);
    const run = (query: string) => sql.raw(query).execute(db);
    for (const query of ['select from', 'delete from', 'drop table', 'lock table']) {
      await expect(run(`${query} system_telemetry`)).rejects.toMatchObject({ code: '42P01' });
    }
    expect((await run('select from dead_letters')).rows).toEqual([]);
    expect((await run('select helper() as seven')).rows).toEqual([{ seven: 7 }]);
    expect(await countIn('two')).toBe(1);
    await pool.end();
  });

  it('look for the rows of a batch from the spool in their own tables', async () => {
    await database.rows('create schema one; create schema two');
    for (const schema of ['two', 'one']) {
      await (await startCollector({}, inSchema(schema))).stop();
    }
    const batch = { ...eventBatch(2), id: uuidV7AtMs(Date.now() - 20 * dayMs) };
    const commitIn = async (path: string) => {
      const { committer, end } = createCommitter(inSchema(path), 'spool');
      const group = { id: uuidv7(), batches: [batch] };
      return await committer.commit(group).finally(end);
    };
    expect(await commitIn('two')).toMatchObject([{ kind: 'stored' }]);
    await database.rows('alter table one.system_telemetry rename to elsewhere');
    await expect(commitIn('one,two')).rejects.toThrow(/42P01/);
    expect(await countIn('two')).toBe(2);
  });

  it('do not wait for each other', async () => {
    await database.rows('create schema one; create schema two');
    const first = await startCollector({}, inSchema('one'));
    await first.stop();
    const holder = await database.pool.connect();
    await holder.query(`begin; select pg_advisory_xact_lock(objid::bigint + (classid::bigint << 32))
      from (select 8002001 as objid, hashtext('one') as classid) as lock`);
    const second = await startCollector({}, inSchema('two'));
    await second.stop();
    await holder.query('rollback');
    holder.release();
  });
});

describe('a database that this program can not use', () => {
  async function startError(url = database.url): Promise<string> {
    const collector = await Collector.start(testConfig({ DATABASE_URL: url }), silentLogger);
    try {
      await collector.untilReady();
      return 'is ready';
    } catch (error) {
      return `${(error as Error).name}: ${(error as Error).message}`;
    } finally {
      await collector.stop();
    }
  }

  const addRelease = async (further: number) => {
    const telemetry = await startCollector({}, database);
    await telemetry.stop();
    await database.rows(
      `insert into telemetry_schema (name, release) select '9999-later', max(release) + ${further} from telemetry_schema`,
    );
  };

  it('is of two releases later: it is refused in one sentence', async () => {
    await addRelease(2);
    const said =
      /^StartError: the database is of release (\d+) of the schema, and this program works with releases up to (\d+): run a newer gravitas-telemetry$/;
    const [, found, worksUpTo] = said.exec(await startError()) ?? [];
    expect(Number(found)).toBe(Number(worksUpTo) + 1);
    const migrated = await runCommand(['migrate'], { DATABASE_URL: database.url });
    expect(migrated.code).toBe(1);
    expect(migrated.stderr).toMatch(/run a newer gravitas-telemetry"/);
    expect(migrated.stderr).not.toMatch(/ at .*\.ts/);
  });

  it('but not one of the next release, whose migrations only add', async () => {
    await addRelease(1);
    await database.rows('alter table system_telemetry add column later integer default 7');
    expect(await startError()).toBe('is ready');
  });

  it.each(['LATIN1', 'SQL_ASCII', 'EUC_JP'])('has the encoding %s', async (encoding) => {
    const name = `encoded_${process.pid}_${encoding.toLowerCase()}`;
    await database.rows(`create database ${name} encoding '${encoding}'
      lc_collate 'C' lc_ctype 'C' template template0`);
    const url = new URL(database.url);
    url.pathname = `/${name}`;
    const refusal = new RegExp(`has the encoding ${encoding}, .*: create one with encoding UTF8$`);
    expect(await startError(url.href)).toMatch(refusal);
    const migrated = await runCommand(['migrate'], { DATABASE_URL: url.href });
    expect(migrated).toMatchObject({ code: 1, stderr: expect.stringContaining(encoding) });
    await database.rows(`drop database ${name} with (force)`);
  });

  it.each([
    ['create table adoption (animal text)', /another application has a table adoption/],
    ['create table dead_letters (id text)', /another application has a table dead_letters/],
    ['create view batch_ledger as select 1', /another application has a table batch_ledger/],
  ])('holds the tables of another application: %s', async (ddl, refusal) => {
    await database.rows(ddl);
    await database.rows(olderTelemetry);
    await insertOlder(database, 'OLD');
    expect(await startError()).toMatch(refusal);
    expect(await database.count('select count(*) from system_telemetry')).toBe(3);
  });
});
