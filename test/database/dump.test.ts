import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import pg from 'pg';
import { uuidv7 } from 'uuidv7';
import { expect, it, onTestFinished } from 'vitest';
import { DatabaseService } from '../../src/database/database-service.ts';
import { rollHistory } from '../../src/rollup/history.ts';
import { verifyNightly } from '../../src/rollup/nightly.ts';
import { repair } from '../../src/rollup/repair.ts';
import { verify } from '../../src/rollup/verify.ts';
import { eventBatch } from '../support/batches.ts';
import { createCommitter } from '../support/committer.ts';
import { testConfig } from '../support/config.ts';
import type { TestDatabase } from '../support/database.ts';
import { silentLogger } from '../support/logger.ts';
import { rollupWork } from '../support/rollup-work.ts';
import { installedVersions, startSystemPostgres } from '../support/system-postgres.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';

const yesterday = `date_trunc('day', now() - interval '1 day')`;

/** What a collector on a database would do, until nothing is left. */
async function finish({ series, db, writer, sweep, fold }: ReturnType<typeof rollupWork>) {
  for (const each of series) while (await rollHistory(db, writer, each));
  await sweep();
  while ((await fold())?.isPart);
  for (const each of series) while (await repair(db, writer, each)) await fold();
}

function open(url: string) {
  const pool = new pg.Pool({ connectionString: url, max: 2 });
  pool.on('error', () => {});
  const rows = async (query: string) => (await pool.query(query)).rows;
  const count = async (query: string) => Number(Object.values((await rows(query))[0])[0]);
  const database = { url, pool, rows, count } as TestDatabase;
  return { database, work: rollupWork(database) };
}

it.for(installedVersions())(
  'dumped by pg_dump %s while history is read and others store, it goes on exactly where it is restored',
  { timeout: 120_000 },
  async (version) => {
    const run = promisify(execFile);
    const program = (name: string) => join('/usr/lib/postgresql', version, 'bin', name);
    const postgres = await startSystemPostgres(version);
    const directory = temporaryDirectory();
    const urlOf = (name: string) => postgres.url.replace('/postgres?', `/${name}?`);
    const service = await DatabaseService.open(
      testConfig({ DATABASE_URL: postgres.url }),
      silentLogger,
    );
    await service.migrate();
    await service.close();
    const { database, work } = open(postgres.url);
    const { committer, end } = createCommitter(database, 'callers');
    onTestFinished(async () => {
      await Promise.all([end(), work.end(), database.pool.end()]);
      await postgres.stop();
      directory.remove();
    });
    const store = async (rows: number) => {
      const batch = eventBatch(rows);
      await committer.commit({ id: uuidv7(), batches: [batch] });
      return batch;
    };

    // Three parts of history, of which one is read; the rest is rolled up, waits, or is of others.
    await database.rows(`
      insert into system_telemetry (event_type, component, value, "timestamp", rolled)
      select 'OLD', 'component ' || i % 3, i, ${yesterday} + i * interval '2 seconds', null
      from generate_series(1, 25000) as i`);
    await database.rows(`insert into rollup_history (kind, partition_name)
      select distinct 'event', tableoid::regclass::text from system_telemetry`);
    for (const series of work.series) await rollHistory(work.db, work.writer, series);
    await store(10);
    await work.fold();
    const known = await store(20);
    await database.rows(`insert into system_telemetry (event_type, value) values ('OTHERS', 1)`);
    const isRead = 'select count(*) from rollup_history where finished_at is not null';
    expect(await database.count(isRead)).toBe(0);

    const file = join(directory.path, 'dump');
    const dumping = run(program('pg_dump'), ['--format=custom', `--file=${file}`, postgres.url]);
    let isDumped = false;
    const dumped = dumping.finally(() => {
      isDumped = true;
    });
    while (!isDumped) await store(3);
    await dumped;
    await database.rows('create database restored');
    const restored = urlOf('restored');
    await run(program('pg_restore'), ['--exit-on-error', `--dbname=${restored}`, file]);

    const other = open(restored);
    const otherCommitter = createCommitter(other.database, 'callers');
    onTestFinished(async () => {
      await Promise.all([otherCommitter.end(), other.work.end(), other.database.pool.end()]);
    });
    // As a client does that has had no answer.
    const [again] = await otherCommitter.committer.commit({ id: uuidv7(), batches: [known] });
    expect(again).toMatchObject({ kind: 'duplicate' });
    await otherCommitter.committer.commit({ id: uuidv7(), batches: [eventBatch(5)] });
    const total = `select count(*) from system_telemetry`;
    for (const each of [{ database, work }, other]) {
      await finish(each.work);
      expect((await verify(each.work.db, {})).differences).toEqual([]);
      expect((await verifyNightly(each.work.db)).differences).toEqual([]);
      const rolled = await each.database.count(`
        select sum(events) from event_rollup_quarter join event_series on id = series
        where margin = 'all'`);
      expect(rolled).toBe(await each.database.count(total));
      expect(rolled).toBeGreaterThanOrEqual(25_000 + 31);
    }
  },
);
