import { uuidv7 } from 'uuidv7';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { noteErasure } from '../../src/commit/erasures.ts';
import { GroupCommitter } from '../../src/commit/group-committer.ts';
import { Writer } from '../../src/commit/writer.ts';
import { createPool } from '../../src/postgres/pool.ts';
import { writerLimits } from '../../src/postgres/settings.ts';
import { createRollups } from '../../src/rollup/create-rollups.ts';
import { eventBatch } from '../support/batches.ts';
import { usageBatch } from '../support/calls.ts';
import { createDatabase, type TestDatabase } from '../support/database.ts';
import { silentLogger } from '../support/logger.ts';
import { onCluster } from '../support/on-cluster.ts';

/** One connection to the embedded server, as a collector has that has started it. */
function committerOf({ url }: TestDatabase) {
  const { pathname, searchParams } = new URL(url);
  const pool = createPool({
    connection: {
      host: searchParams.get('host') as string,
      user: 'postgres',
      database: pathname.slice(1),
    },
    applicationName: 'test writer',
    connectionsMax: 1,
    limits: writerLimits,
    logger: silentLogger,
  });
  const series = createPool({
    connection: { connectionString: url },
    applicationName: 'test rollups',
    connectionsMax: 1,
    limits: writerLimits,
    logger: silentLogger,
  });
  const writer = new Writer(pool);
  const { fresh } = createRollups(series, 1000);
  return {
    writer,
    committer: new GroupCommitter(writer, 'callers', { fresh }),
    end: async () => {
      await Promise.all([pool.end(), series.end()]);
    },
  };
}

describe.skipIf(onCluster)('a session of the embedded server', () => {
  let database: TestDatabase;
  let work: ReturnType<typeof committerOf>;
  beforeEach(async () => {
    database = await createDatabase();
    work = committerOf(database);
  });
  afterEach(async () => {
    await work.end();
    await database.drop();
  });

  const commit = async (batch = eventBatch(1)) =>
    (await work.committer.commit({ id: uuidv7(), batches: [batch] }))[0];

  it('keeps what commits need, whatever database and role are set to', async () => {
    const [{ name }] = (await database.rows('select current_database() as name')) as [
      { name: string },
    ];
    for (const setting of ['synchronous_commit = off', 'statement_timeout = 1', 'lock_timeout = 1'])
      await database.rows(`alter database ${name} set ${setting}`);
    await database.rows(`
      create table seen as select ''::text as durable, ''::text as isolation, ''::text as ms,
        ''::text as plans, ''::text as locked limit 0`);
    await database.rows(`
      create function see() returns trigger language plpgsql as $$ begin
        insert into seen values (current_setting('synchronous_commit'),
          current_setting('transaction_isolation'), current_setting('statement_timeout'),
          (select string_agg(name, ' ') from pg_prepared_statements),
          (select string_agg(mode, ' ') from pg_locks
            where relation = 'erasures'::regclass and pid = pg_backend_pid()));
        return null;
      end $$`);
    await database.rows(`create trigger see after insert on system_telemetry
      for each statement execute function see()`);
    for (let number = 0; number < 3; number++) {
      expect(await commit()).toEqual({ kind: 'stored' });
    }
    const durable = { durable: 'on', isolation: 'read committed', ms: '30s' };
    expect(await database.rows('select * from seen')).toEqual(
      Array(3).fill({ ...durable, plans: 'telemetry_erased', locked: 'RowShareLock' }),
    );
  });

  it('knows what is erased, of batches that have waited for a moment or for long', async () => {
    expect(await commit()).toEqual({ kind: 'stored' });
    const received = (secondsAgo: number) => {
      const batch = usageBatch([{ model: 'm', userId: 'u' }]);
      const copy = Buffer.from(batch.rows.usage.copy);
      // Behind the number of fields, its id and its time.
      const at = 38;
      copy.writeBigInt64BE(copy.readBigInt64BE(at) - BigInt(secondsAgo) * 1_000_000n, at);
      return { ...batch, rows: { ...batch.rows, usage: { count: 1, copy } } };
    };
    const before = [received(5), received(300)];
    await work.writer.transaction((trx) => noteErasure(trx, { field: 'user_id', value: 'u' }));
    for (const batch of before) await commit(batch);
    expect(await database.count('select count(*) from usage_stats')).toBe(0);
    await commit(usageBatch([{ model: 'm', userId: 'u' }]));
    expect(await database.count('select count(*) from usage_stats')).toBe(1);
  });

  it('is prepared anew where the table of erasures is another one', async () => {
    expect(await commit()).toEqual({ kind: 'stored' });
    await database.rows('alter table erasures rename to erasures_before');
    await expect(commit()).rejects.toThrow();
    await database.rows('create table erasures (like erasures_before including all)');
    expect(await commit()).toEqual({ kind: 'stored' });
    await work.writer.transaction((trx) => noteErasure(trx, { field: 'user_id', value: 'u' }));
    expect(await commit()).toEqual({ kind: 'stored' });
  });
});
