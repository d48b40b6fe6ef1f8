import { once } from 'node:events';
import net from 'node:net';
import pg from 'pg';
import { Registry } from 'prom-client';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { Collector } from '../../src/collector.ts';
import { createKysely } from '../../src/database/kysely.ts';
import { Maintenance } from '../../src/database/maintenance.ts';
import { withMaintenanceLock } from '../../src/database/maintenance-lock.ts';
import { databaseObstacle } from '../../src/database/watch.ts';
import { createPool } from '../../src/postgres/pool.ts';
import { FaultyNetwork } from '../chaos/faulty-network.ts';
import { testConfig } from '../support/config.ts';
import { createDatabase, holdTable, type TestDatabase } from '../support/database.ts';
import { getJson } from '../support/http.ts';
import { silentLogger } from '../support/logger.ts';

let database: TestDatabase;
let network: FaultyNetwork;
beforeEach(async () => {
  database = await createDatabase();
  const socket = new URL(database.url).searchParams.get('host');
  network = await FaultyNetwork.start({ path: `${socket}/.s.PGSQL.5432` });
});
afterEach(async () => {
  await network.stop();
  await database.drop();
});

const poolOf = (limits: { connectionsMax: number; silenceMsMax?: number; askAfterMs?: number }) =>
  createPool({
    connection: {
      connectionString: `postgresql://postgres@127.0.0.1:${network.port}${new URL(database.url).pathname}`,
    },
    applicationName: 'test',
    limits: {},
    logger: silentLogger,
    ...limits,
  });

it('gives a connection up whose server has vanished without a word', async () => {
  const pool = poolOf({ connectionsMax: 1, silenceMsMax: 200 });
  await pool.query('select');
  network.silence();
  await expect(pool.query('select')).rejects.toThrow('silent for 200 ms');
  expect((await pool.query('select 1 as one')).rows).toEqual([{ one: 1 }]);
  await pool.end();
});

it('survives an end that comes together with the first answer', async () => {
  const message = (type: string, body: string) => {
    const head = Buffer.alloc(5);
    head.write(type);
    head.writeInt32BE(4 + body.length, 1);
    return Buffer.concat([head, Buffer.from(body, 'latin1')]);
  };
  const welcome = [message('R', '\0\0\0\0'), message('Z', 'I')];
  const fatal = message('E', 'SFATAL\0C57P01\0Mterminating connection\0\0');
  const server = net.createServer((socket) => {
    socket.on('error', () => {});
    socket.once('data', () => socket.end(Buffer.concat([...welcome, fatal])));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as net.AddressInfo;
  const pool = createPool({
    connection: { connectionString: `postgresql://a@127.0.0.1:${port}/b?sslmode=disable` },
    applicationName: 'test',
    connectionsMax: 1,
    limits: {},
    logger: silentLogger,
  });
  await expect(pool.query('select 1')).rejects.toThrow(/connection/i);
  await pool.end();
  server.close();
});

it('waits for a statement that the database is at work on, however long it is silent', async () => {
  const pool = poolOf({ connectionsMax: 1, askAfterMs: 200 });
  const { rows } = await pool.query('select pg_sleep(1.5), 1 as one');
  expect(rows).toMatchObject([{ one: 1 }]);
  await pool.end();
});

it.each([
  ['an answer that is lost', 'select 1'],
  ['one that is lost after some work', 'select pg_sleep(0.5)'],
])('does not wait for %s, and lets go of its locks', async (_, text) => {
  const pool = poolOf({ connectionsMax: 1, askAfterMs: 200 });
  const client = await pool.connect();
  await holdTable(client, 'dead_letters');
  network.silenceAnswers();
  await expect(client.query(text)).rejects.toThrow('silent for 200 ms');
  client.release(true);
  await database.rows("set lock_timeout = '5s'; select from dead_letters limit 0");
  await pool.end();
});

it('does not keep the maintenance lock from others when its owner falls silent', async () => {
  const pool = poolOf({ connectionsMax: 3, askAfterMs: 200 });
  const client = await pool.connect();
  const asked = withMaintenanceLock(pool, async () => {
    network.silence();
    await client.query('select');
  });
  await expect(asked).rejects.toThrow('silent');
  client.release(true);
  const other = poolOf({ connectionsMax: 2 });
  expect(await withMaintenanceLock(other, async () => 'mine')).toBe('mine');
  await Promise.all([pool.end(), other.end()]);
});

it('does its other tasks, though one of them fails', async () => {
  const pool = poolOf({ connectionsMax: 3, askAfterMs: 1000 });
  await database.rows('drop table batch_ledger cascade');
  const maintenance = new Maintenance(
    createKysely(pool),
    pool,
    { eventAgeMsMax: 86_400_000, partitionDaysAhead: 9 },
    silentLogger,
    new Registry(),
  );
  await expect(maintenance.run()).rejects.toThrow();
  const day = new Date(Date.now() + 8 * 86_400_000).toISOString().slice(0, 10).replaceAll('-', '');
  for (const table of ['system_telemetry', 'usage_stats']) {
    await database.rows(`select from ${table}_${day}`);
  }
  await pool.end();
});

it('finds the database well again through a new connection', async () => {
  const pool = poolOf({ connectionsMax: 1 });
  expect(await databaseObstacle(pool)).toBeUndefined();
  network.silence();
  expect((await databaseObstacle(pool))?.message).toMatch(/no answer/);
  expect(await databaseObstacle(pool)).toBeUndefined();
  await pool.end();
});

it('stops in time while its schema waits for another collector (6.2)', async () => {
  const other = new pg.Client({ connectionString: database.url });
  await other.connect();
  await other.query('select pg_advisory_lock(8002001)');
  const collector = await Collector.start(
    testConfig({ DATABASE_URL: database.url, TELEMETRY_SHUTDOWN_MS_MAX: '100' }),
    silentLogger,
  );
  const { reasons } = (await getJson(`http://127.0.0.1:${collector.port}/readyz`)).body;
  expect(reasons.join()).toMatch(/schema|partitions/);
  await collector.stop();
  await other.end();
}, 10_000);
