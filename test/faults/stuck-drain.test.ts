import { mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { crc32 } from 'node:zlib';
import { uuidv7 } from 'uuidv7';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { startCollector, type TestCollector } from '../support/collector.ts';
import { createDatabase, type TestDatabase } from '../support/database.ts';
import { getJson, postJson } from '../support/http.ts';
import { accountOf, imbalance, metric } from '../support/metrics.ts';
import { beginOutage } from '../support/outage.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';

let database: TestDatabase;
let directory: ReturnType<typeof temporaryDirectory>;
let telemetry: TestCollector;
beforeEach(async () => {
  database = await createDatabase();
  directory = temporaryDirectory();
});
afterEach(async () => {
  await telemetry.stop();
  await database.drop();
  directory.remove();
});

const spool = () => join(directory.path, 'spool');
const start = async (options = {}) => {
  telemetry = await startCollector({ TELEMETRY_DATA_DIR: directory.path, ...options }, database);
};
const post = (fields = {}) =>
  postJson(`${telemetry.baseUrl}/v1/telemetry/log`, { event_type: 'STUCK', ...fields });
const account = () => accountOf(telemetry.baseUrl);
const stored = () => database.count('select count(*) from system_telemetry');

/** Leaves so many events in the spool of a collector that is gone. */
async function leaveSpool(events: number): Promise<void> {
  await start();
  const endOutage = await beginOutage(database);
  for (let value = 0; value < events; value++) {
    expect((await post({ value })).body.durability).toBe('DURABILITY_SPOOLED');
  }
  await telemetry.stop();
  await endOutage();
}

async function expectAllGood(): Promise<void> {
  await expect.poll(async () => (await account()).pending, { timeout: 20_000 }).toBe(0);
  expect(imbalance(await account())).toBe(0);
  expect((await post()).body.durability).toBe('DURABILITY_COMMITTED');
  const readyz = () => getJson(`${telemetry.baseUrl}/readyz`);
  await expect.poll(async () => (await readyz()).body.status, { timeout: 10_000 }).toBe('ready');
}

it('sets aside a segment that can not be read, and drains those after it (5.5)', async () => {
  await leaveSpool(5);
  mkdirSync(join(spool(), 'spool-0000000000.log'));
  await start();
  await expectAllGood();
  expect(await stored()).toBe(6);
  expect(await account()).toMatchObject({ recovered: 5, stored: 6 });
  expect(await metric(telemetry.baseUrl, 'telemetry_spool_damaged_records_total')).toBe(1);
  expect(readdirSync(spool())).toContain('spool-0000000000.log.damaged');
});

it.each([
  ['no JSON', Buffer.from('\0\0\0\x01{')],
  ['no head of ours', Buffer.from('\0\0\0\x02{}')],
  ['a head longer than the record', Buffer.from('\xff\xff\xff\xff{}', 'latin1')],
])('sets aside a record whose checksum is right and that has %s (5.10)', async (_, body) => {
  await leaveSpool(5);
  const prefix = Buffer.from('GTS1\0\0\0\0\0\0\0\0');
  prefix.writeUInt32BE(body.length, 4);
  prefix.writeUInt32BE(crc32(body), 8);
  writeFileSync(join(spool(), 'spool-0000000000.log'), Buffer.concat([prefix, body]));
  await start();
  await expectAllGood();
  expect(await account()).toMatchObject({ recovered: 5, stored: 6 });
  expect(await metric(telemetry.baseUrl, 'telemetry_spool_damaged_records_total')).toBe(1);
});

it('is not held up by what the database does not take in its own way (4.4)', async () => {
  const index = `create index on system_telemetry ((metadata->>'text'))`;
  await database.rows(index);
  await start();
  const endOutage = await beginOutage(database);
  const text = Array.from({ length: 1000 }, () => uuidv7()).join();
  for (const metadata of [{}, { text }, {}]) {
    expect((await post({ metadata })).body.durability).toBe('DURABILITY_SPOOLED');
  }
  await endOutage();
  await expectAllGood();
  expect(await account()).toMatchObject({ received: 4, stored: 3, dead_lettered: 1 });
  expect(await database.rows('select reason from dead_letters')).toEqual([
    { reason: expect.stringContaining('SQLSTATE 54000') },
  ]);
});

it('does not keep an outage going when it is stuck itself (4.2)', async () => {
  await start();
  await database.rows(`create function refuse() returns trigger language plpgsql as $$
    begin raise exception using errcode = '53100', message = 'disk full'; end $$`);
  await database.rows(`create trigger refuse before insert on system_telemetry
    for each row execute function refuse()`);
  const idempotency_key = uuidv7();
  expect((await post({ idempotency_key })).body.durability).toBe('DURABILITY_SPOOLED');
  // Somebody claims the same id and does not come to an end.
  const claimant = await database.pool.connect();
  await claimant.query('begin');
  await claimant.query(
    `insert into batch_ledger (batch_id, fingerprint, group_id) values ($1, '', gen_random_uuid())`,
    [idempotency_key],
  );
  await database.rows('drop trigger refuse on system_telemetry');
  await expect
    .poll(async () => (await post()).body.durability, { timeout: 10_000 })
    .toBe('DURABILITY_COMMITTED');
  expect((await account()).pending).toBeGreaterThan(0);
  await claimant.query('rollback');
  claimant.release();
  await expectAllGood();
});

/** Of what passes, as a rule: transactions, resources, states, operators, the system, connections. */
const passing = ['40001', '40P01', '53100', '53200', '55P03', '57014', '57P01', '58030', '08006'];

/** Refuses a row with the SQLSTATE that is in its metadata. */
async function refuseAsTold(): Promise<void> {
  await database.rows(`create function refuse() returns trigger language plpgsql as $$
    begin
      if new.metadata ? 'sqlstate' then
        raise exception using errcode = new.metadata->>'sqlstate', message = 'not this one';
      end if;
      return new;
    end $$`);
  for (const table of ['system_telemetry', 'usage_stats']) {
    await database.rows(`create trigger refuse before insert on ${table}
      for each row execute function refuse()`);
  }
}

it.each(['live', 'drained'])(
  'keeps a row as a dead letter, whatever a trigger calls it, of events and of usage, %s (4.3)',
  async (how) => {
    await start();
    await refuseAsTold();
    const endOutage = how === 'drained' ? await beginOutage(database) : undefined;
    for (const sqlstate of passing) {
      const bad = { metadata: { sqlstate } };
      const { body } = await postJson(`${telemetry.baseUrl}/v1/telemetry/batch`, {
        events: [{ event_type: 'GOOD' }, { event_type: 'BAD', ...bad }, { event_type: 'GOOD' }],
        usage: [{ model: 'bad', ...bad }, { model: 'good' }],
      });
      expect(body.durability).toBe(how === 'live' ? 'DURABILITY_COMMITTED' : 'DURABILITY_SPOOLED');
    }
    await endOutage?.();
    await expectAllGood();
    const { length } = passing;
    expect(await account()).toMatchObject({ dead_lettered: length, stored: 2 * length + 1 });
    expect(await database.count('select count(*) from usage_stats')).toBe(length);
    expect(await database.count('select count(*) from dead_letters')).toBe(2 * length);
    expect(await database.rows('select reason from dead_letters')).toEqual(
      expect.arrayContaining(
        passing.map((sqlState) => ({ reason: expect.stringContaining(`SQLSTATE ${sqlState}`) })),
      ),
    );
  },
);

it.each(['live', 'drained'])(
  'keeps a row as a dead letter of which the server says again and again what passes elsewhere, %s (5.12)',
  async (how) => {
    await cancelSlow();
    await start();
    const endOutage = how === 'drained' ? await beginOutage(database) : undefined;
    const events = ['FAST', 'SLOW', 'FAST'].map((event_type) => ({ event_type }));
    const { body } = await postJson(`${telemetry.baseUrl}/v1/telemetry/batch`, { events });
    expect(body.durability).toBe('DURABILITY_SPOOLED');
    await endOutage?.();
    await expectAllGood();
    expect(await account()).toMatchObject({ stored: 3, dead_lettered: 1 });
    expect(await database.rows('select reason from dead_letters')).toEqual([
      { reason: expect.stringContaining('SQLSTATE 57014') },
    ]);
  },
);

it('puts off a batch that the spool has no more room for, too (5.12)', async () => {
  await start({ TELEMETRY_SPOOL_BYTES_MAX: '2000' });
  const release = await cancelSlow();
  const endOutage = await beginOutage(database);
  expect((await post({ event_type: 'SLOW' })).body.durability).toBe('DURABILITY_SPOOLED');
  while ((await post()).status === 200);
  await endOutage();
  await expect
    .poll(() => metric(telemetry.baseUrl, 'telemetry_spool_put_off_total'), { timeout: 20_000 })
    .toBeGreaterThan(0);
  await release();
  await expectAllGood();
  expect(await metric(telemetry.baseUrl, 'telemetry_spool_set_aside_total')).toBe(0);
  expect(await database.rows('select * from dead_letters')).toEqual([]);
});

/** Cancels what writes such a row, as the server does with what takes too long. */
async function cancelSlow(): Promise<() => Promise<unknown>> {
  await database.rows('create table gate as select 1 as key');
  await database.rows(`create function cancelling() returns trigger language plpgsql as $$
    begin
      if new.event_type = 'SLOW' and exists (select from gate) then
        perform pg_cancel_backend(pg_backend_pid()), pg_sleep(1);
      end if;
      return new;
    end $$`);
  await database.rows(`create trigger cancelling before insert on system_telemetry
    for each row execute function cancelling()`);
  return () => database.rows('delete from gate');
}

it('puts off a batch that takes too long, and comes back to it (5.12)', async () => {
  const release = await cancelSlow();
  await start();
  const endOutage = await beginOutage(database);
  for (const event_type of ['FAST', 'SLOW', 'FAST']) await post({ event_type });
  await endOutage();
  await expect.poll(stored, { timeout: 20_000 }).toBe(2);
  expect((await post()).body.durability).toBe('DURABILITY_COMMITTED');
  expect(await account()).toMatchObject({ pending: 1 });
  await expect
    .poll(() => metric(telemetry.baseUrl, 'telemetry_spool_put_off_total'), { timeout: 20_000 })
    .toBeGreaterThan(0);
  await release();
  await expectAllGood();
  expect(
    await database.count(`select count(*) from system_telemetry where event_type = 'SLOW'`),
  ).toBe(1);
  expect(await database.rows('select * from dead_letters')).toEqual([]);
});
