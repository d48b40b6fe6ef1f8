import { describe, expect, it, onTestFinished } from 'vitest';
import { createKysely } from '../../src/database/kysely.ts';
import { ledgerBeginMs, noteLedgerBegin } from '../../src/database/ledger-span.ts';
import { move } from '../../src/database/move.ts';
import { createDatabase } from '../support/database.ts';
import { onCluster } from '../support/on-cluster.ts';

it.skipIf(onCluster)('a ledger that is moved knows no more ids than it did before', async () => {
  const [source, target] = [await createDatabase(), await createDatabase()];
  const [from, to] = await Promise.all([source.pool.connect(), target.pool.connect()]);
  const sourceDb = createKysely(source.pool);
  await sourceDb.transaction().execute(noteLedgerBegin);
  for await (const _ of move(from, to));
  from.release();
  to.release();
  const beginMs = await ledgerBeginMs(sourceDb);
  expect(beginMs).toBeGreaterThan(Date.now());
  expect(await ledgerBeginMs(createKysely(target.pool))).toBe(beginMs);
  await Promise.all([source.drop(), target.drop()]);
});

describe.skipIf(onCluster)('what somebody has added', () => {
  const databases = async () => {
    const [source, target] = [await createDatabase(), await createDatabase()];
    const [from, to] = await Promise.all([source.pool.connect(), target.pool.connect()]);
    onTestFinished(async () => {
      from.release();
      to.release();
      await Promise.all([source.drop(), target.drop()]);
    });
    const moveAll = async () => {
      for await (const _ of move(from, to));
    };
    return { source, target, moveAll };
  };

  it('to what is moved is told before anything is, and moves once there is a place for it', async () => {
    const { source, target, moveAll } = await databases();
    const additions = [
      'create table notes (id int generated always as identity, "a.b" text)',
      'create table "by day" (at date) partition by range (at)',
      'alter table telemetry_keys add column owner text',
    ];
    for (const statement of additions) await source.rows(statement);
    await source.rows(`insert into notes ("a.b") values ('kept')`);
    await source.rows(
      `create table a_day partition of "by day" for values from ('2026-01-01') to ('2026-01-02')`,
    );
    await source.rows(`insert into "by day" values ('2026-01-01')`);
    await expect(moveAll()).rejects.toThrow(
      'the other database has no "by day", notes, telemetry_keys.owner: create that there',
    );
    expect(await target.rows(`select to_regclass('move_progress') as there`)).toEqual([
      { there: null },
    ]);
    for (const statement of additions) await target.rows(statement);
    await moveAll();
    expect(await target.rows('select * from notes')).toEqual([{ id: 1, 'a.b': 'kept' }]);
    expect(await target.count('select count(*) from "by day"')).toBe(1);
  });

  it('to the other database stays as it is', async () => {
    const { source, target, moveAll } = await databases();
    await target.rows('create table own as select 7 as number');
    await target.rows('alter table telemetry_keys add column owner text');
    await source.rows(`insert into system_telemetry (event_type) values ('MOVED')`);
    await target.rows(
      `insert into telemetry_keys (id, name, secret_hash, scopes) values ('k', 'own', 'x', '{}')`,
    );
    await expect(moveAll()).rejects.toThrow('records of its own, in telemetry_keys');
    await target.rows('delete from telemetry_keys');
    await moveAll();
    expect(await target.rows('select * from own')).toEqual([{ number: 7 }]);
    expect(await target.count('select count(*) from system_telemetry')).toBe(1);
  });
});
