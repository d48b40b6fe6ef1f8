import pg from 'pg';
import { uuidv7 } from 'uuidv7';
import { afterEach, beforeEach, describe, expect, inject, it } from 'vitest';
import { startCollector, type TestCollector } from '../support/collector.ts';
import { runCommand } from '../support/command.ts';
import { createDatabase, type TestDatabase } from '../support/database.ts';
import { getJson, postJson } from '../support/http.ts';
import { patient } from '../support/patient.ts';
import { type PgBouncer, pgbouncer, startPgBouncer } from '../support/pgbouncer.ts';
import { deliver } from '../support/resending-client.ts';
import { openTail } from '../support/tail.ts';

/** Each is one that some database somewhere has, taken as far as it goes. */
const hostile: Readonly<Record<string, string>> = {
  synchronous_commit: 'off',
  statement_timeout: '20ms',
  lock_timeout: '1ms',
  idle_in_transaction_session_timeout: '1ms',
  transaction_timeout: '100ms',
  default_transaction_read_only: 'on',
  default_transaction_isolation: 'serializable',
  default_transaction_deferrable: 'on',
  DateStyle: 'German, DMY',
  IntervalStyle: 'sql_standard',
  TimeZone: 'Asia/Kathmandu',
  extra_float_digits: '-15',
  bytea_output: 'escape',
  standard_conforming_strings: 'off',
  backslash_quote: 'off',
  array_nulls: 'off',
  row_security: 'off',
  quote_all_identifiers: 'on',
  client_encoding: 'LATIN1',
  lc_numeric: 'C',
};

/** Who sets it, in the order in which one overrules the other. */
const setters = {
  role: (role: string, _: string) => `alter role ${role} set`,
  database: (_: string, database: string) => `alter database ${database} set`,
};

/** What a trigger sees of the transaction that writes. */
const watched = [
  'synchronous_commit',
  'statement_timeout',
  'lock_timeout',
  'idle_in_transaction_session_timeout',
  'transaction_isolation',
  'transaction_read_only',
] as const;

let database: TestDatabase;
let role: string;
let name: string;
let counter = 0;
beforeEach(async () => {
  database = await createDatabase('empty');
  name = new URL(database.url).pathname.slice(1);
  role = `foreign_${process.pid}_${counter++}`;
  await database.rows(`create role ${role} login`);
  await database.rows(`alter database ${name} owner to ${role}`);
  await database.rows(`alter schema public owner to ${role}`);
  await database.rows(`grant pg_read_all_settings to ${role}`);
});
afterEach(async () => {
  await database.drop();
  const admin = await createDatabase('empty');
  await admin.rows(`drop role ${role}`);
  await admin.drop();
});

/** Notes what the transactions run under that write to our tables. */
async function watchWrites(): Promise<void> {
  const values = watched.map((setting) => `current_setting('${setting}')`).join(', ');
  await database.rows(`
    create table seen (table_name text, ${watched.map((setting) => `${setting} text`).join(', ')});
    create function note() returns trigger language plpgsql security definer as
      $$ begin insert into public.seen values (tg_table_name, ${values}); return null; end $$;
    create trigger note after insert on system_telemetry for each statement execute function note();
    create trigger note after insert on usage_stats for each statement execute function note();
    create trigger note after insert on batch_ledger for each statement execute function note()`);
}

async function expectFaithful(telemetry: TestCollector): Promise<void> {
  const url = (path: string) => `${telemetry.baseUrl}/v1/telemetry/${path}`;
  const event = {
    event_type: 'THOUGHT_LATENCY',
    component: "l'été \\ 東京",
    value: 0.1 + 0.2,
    metadata: { tokens_generated: 7, text: 'it\'s \\ "so"', exact: 1e-7 },
    timestamp: new Date(Date.now() - 3_600_000).toISOString(),
  };
  const batch = { batch_id: uuidv7(), events: [event], usage: [{ model: 'm', input_tokens: 5 }] };
  const tail = await openTail(telemetry.baseUrl, { kinds: ['event', 'usage'] });
  const first = await postJson(url('batch'), batch);
  expect(first.body).toMatchObject({ durability: 'DURABILITY_COMMITTED', events: 1, usage: 1 });
  // The ledger answers, by way of arrays with NULLs among their elements.
  const again = await postJson(url('batch'), batch);
  expect(again.body).toMatchObject({ durability: 'DURABILITY_COMMITTED', duplicate: true });
  await tail.until(2);
  expect(tail.names.toSorted()).toEqual([event.event_type, 'm']);
  await tail.stop();
  const [read] = (await getJson(`${url('events')}?event_type=${event.event_type}`)).body;
  expect(new Date(read.timestamp).toISOString()).toBe(event.timestamp);
  expect(read).toMatchObject({ ...event, timestamp: expect.anything() });
  expect(
    (await getJson(`${url('stats')}?component=${encodeURIComponent(event.component)}`)).body,
  ).toMatchObject({ measurement_count: 1, avg_efficiency_score: expect.closeTo(event.value) });
  expect((await getJson(url('footprint'))).body).toMatchObject({ row_counts: { usage_stats: 1 } });
  const seen = await database.rows('select distinct * from seen order by table_name');
  const under = {
    synchronous_commit: 'on',
    statement_timeout: '30s',
    lock_timeout: '25s',
    idle_in_transaction_session_timeout: '10s',
    transaction_isolation: 'read committed',
    transaction_read_only: 'off',
  };
  expect(seen).toEqual(
    ['batch_ledger', 'system_telemetry', 'usage_stats'].map((table_name) => ({
      table_name,
      ...under,
    })),
  );
}

describe.each(Object.keys(setters) as (keyof typeof setters)[])(
  'the settings of a %s',
  (setter) => {
    it('do not change what is stored, nor how safely', async () => {
      for (const [setting, value] of Object.entries(hostile)) {
        await database.rows(`${setters[setter](role, name)} ${setting} = '${value}'`);
      }
      const url = database.url.replace('postgres@', `${role}@`);
      const telemetry = await startCollector({ DATABASE_URL: url, ...patient }, database);
      await watchWrites();
      await expectFaithful(telemetry);
      await telemetry.stop();
      // Its tables are known again, whatever the catalogue calls their types and columns.
      const again = await startCollector({ DATABASE_URL: url }, database);
      await again.stop();
      expect(await database.count(`select count(*) from pg_class where relname ~ '_legacy'`)).toBe(
        0,
      );
    });
  },
);

describe.runIf(pgbouncer)('through PgBouncer, by transactions', () => {
  let pooler: PgBouncer;
  let url: string;
  const start = async (poolSize?: number) => {
    pooler = await startPgBouncer(inject('postgresSocket'), [role, 'postgres'], poolSize);
    url = `postgresql://${role}@127.0.0.1:${pooler.port}/${name}`;
  };
  afterEach(() => pooler.stop());

  it('all of it works, whatever role and database have set', async () => {
    for (const [setting, value] of Object.entries(hostile)) {
      await database.rows(`${setters.role(role, name)} ${setting} = '${value}'`);
    }
    await start();
    const telemetry = await startCollector({ DATABASE_URL: url, ...patient }, database);
    await watchWrites();
    await expectFaithful(telemetry);
    await telemetry.stop();
  });

  it('nothing of ours is left for others, and nothing of theirs reaches us', async () => {
    await start(2);
    const telemetry = await startCollector({ DATABASE_URL: url, ...patient }, database);
    await watchWrites();
    const names = [...Object.keys(hostile), 'role', 'search_path', 'tcp_keepalives_idle'];
    // The pooler itself looks after the encoding.
    const settingsOf = async (client: pg.ClientBase) =>
      (
        await client.query(
          `select name, setting from pg_settings
           where name = any($1) and name <> 'client_encoding' order by name`,
          [names],
        )
      ).rows;
    const direct = new pg.Client({ connectionString: database.url });
    const other = new pg.Client({ connectionString: url });
    other.on('error', () => {});
    await direct.connect();
    await other.connect();
    const untouched = await settingsOf(direct);
    await direct.end();
    for (let round = 0; round < 10; round++) {
      await postJson(`${telemetry.baseUrl}/v1/telemetry/log`, { event_type: 'ROUND' });
      expect(await settingsOf(other)).toEqual(untouched);
    }
    const locks = "select count(*) from pg_locks where locktype = 'advisory'";
    await expect.poll(() => database.count(locks), { timeout: 60_000 }).toBe(0);
    for (const [setting, value] of Object.entries({ ...hostile, search_path: 'pg_catalog' })) {
      if (setting !== 'client_encoding') await other.query(`set ${setting} = '${value}'`);
    }
    await other.query('set role pg_read_all_settings');
    await expectFaithful(telemetry);
    await other.end();
    await telemetry.stop();
  }, 120_000);

  it('ten collectors start at once on an empty database, on few connections', async () => {
    await start(4);
    const collectors = await Promise.all(
      Array.from({ length: 10 }, () => startCollector({ DATABASE_URL: url, ...patient }, database)),
    );
    const posted = await Promise.all(
      collectors.map(({ baseUrl }) =>
        postJson(`${baseUrl}/v1/telemetry/log`, { event_type: 'STARTED' }),
      ),
    );
    expect(posted.map(({ status }) => status)).toEqual(Array(10).fill(200));
    await Promise.all(collectors.map((collector) => collector.stop()));
    await expect.poll(() => database.count('select count(*) from system_telemetry')).toBe(10);
  });

  it('a group that is refused while it is being sent reaches nobody else', async () => {
    await start(4);
    const telemetry = await startCollector({ DATABASE_URL: url, TELEMETRY_WRITERS: '4' }, database);
    const batches = Array.from({ length: 20 }, () => ({
      batchId: uuidv7(),
      events: Array.from({ length: 500 }, (_, value) => ({ eventType: 'REPEATED', value })),
    }));
    await deliver(telemetry.baseUrl, batches);
    // The ledger refuses each of them while its rows are still on their way.
    for (let round = 0; round < 10; round++) {
      await Promise.all([deliver(telemetry.baseUrl, batches), deliver(telemetry.baseUrl, batches)]);
    }
    expect(pooler.logs.filter((line) => /crashed|invalid/.test(line))).toEqual([]);
    expect(await database.count('select count(*) from system_telemetry')).toBe(20 * 500);
    await telemetry.stop();
  });

  it('two installations have their own tables in one database, by search path', async () => {
    await start(6);
    const schemas = ['one', 'two'];
    const urlOf = (schema: string) => `${url}?options=-c%20search_path%3D${schema}`;
    for (const schema of schemas) {
      await database.rows(`create schema ${schema} authorization ${role}`);
    }
    const collectors = await Promise.all(
      schemas.map((schema) =>
        startCollector({ DATABASE_URL: urlOf(schema), ...patient }, database),
      ),
    );
    for (const [index, { baseUrl }] of collectors.entries()) {
      const event_type = `OF_${schemas[index]}`;
      // A search path that somebody has left behind is none of ours.
      await database.rows(`alter role ${role} set search_path = ${schemas[1 - index]}`);
      const posted = await postJson(`${baseUrl}/v1/telemetry/log`, { event_type });
      expect(posted.body).toMatchObject({ durability: 'DURABILITY_COMMITTED' });
      const events = (await getJson(`${baseUrl}/v1/telemetry/events`)).body;
      expect(events).toMatchObject([{ event_type }]);
      const env = { DATABASE_URL: urlOf(schemas[index] as string) };
      const { stdout } = await runCommand(['sql', 'select event_type from system_telemetry'], env);
      expect(stdout).toContain(event_type);
    }
    await Promise.all(collectors.map((collector) => collector.stop()));
  });
});
