import { once } from 'node:events';
import { Code, createClient } from '@connectrpc/connect';
import { createGrpcTransport } from '@connectrpc/connect-node';
import { uuidv7 } from 'uuidv7';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { IngestService } from '../../gen/typescript/gravitas/telemetry/v1/ingest_pb.js';
import { FaultyNetwork } from '../chaos/faulty-network.ts';
import { createDatabase, holdTable, type TestDatabase } from '../support/database.ts';
import { keepPosting } from '../support/live-load.ts';
import { spawnCollector } from '../support/process.ts';

let database: TestDatabase;
beforeEach(async () => {
  database = await createDatabase();
});
afterEach(() => database.drop());

it('acknowledges what streams have sent, ends them as retryable, and exits 0 (6.1)', async () => {
  const collector = await spawnCollector({ DATABASE_URL: database.url });
  const client = createClient(IngestService, createGrpcTransport({ baseUrl: collector.baseUrl }));
  const { promise: stopped, resolve: stop } = Promise.withResolvers<void>();
  async function* batches() {
    for (let value = 0; value < 20; value++) {
      yield { batchId: uuidv7(), events: [{ eventType: 'BEFORE_THE_END', value }] };
    }
    await stopped;
  }
  const exited = once(collector.process, 'exit');
  let acknowledged = 0;
  const reading = (async () => {
    for await (const { ack } of client.streamBatches(batches())) {
      acknowledged += ack ? 1 : 0;
      if (acknowledged === 10) collector.process.kill('SIGTERM');
    }
  })();
  await expect(reading).rejects.toMatchObject({ code: Code.Unavailable });
  stop();
  expect((await exited)[0]).toBe(0);
  expect(acknowledged).toBeGreaterThanOrEqual(10);
  expect(await database.count('select count(*) from system_telemetry')).toBeGreaterThanOrEqual(
    acknowledged,
  );
});

it('ends at once on a second signal, and has lost nothing that was acknowledged (6.3)', async () => {
  const collector = await spawnCollector({ DATABASE_URL: database.url });
  const locker = await database.pool.connect();
  await holdTable(locker, 'system_telemetry in share mode');
  const posts = Array.from({ length: 20 }, (_, value) =>
    fetch(`${collector.baseUrl}/v1/telemetry/log`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ event_type: 'ACKNOWLEDGED', value }),
    }).then(
      ({ status }) => status === 200,
      () => false,
    ),
  );
  const taken = (await Promise.all(posts)).filter(Boolean).length;
  expect(taken).toBeGreaterThan(0);
  const exited = once(collector.process, 'exit');
  collector.process.kill('SIGTERM');
  collector.process.kill('SIGINT');
  const [code] = await exited;
  expect([0, 1]).toContain(code);
  await locker.query('rollback');
  locker.release();
  const again = await spawnCollector({
    DATABASE_URL: database.url,
    TELEMETRY_DATA_DIR: collector.dataDirectory,
  });
  while ((await database.count('select count(*) from system_telemetry')) < taken) {
    // The spool is being drained.
  }
  expect(await database.count('select count(distinct value) from system_telemetry')).toBe(taken);
  expect(await again.end('SIGTERM')).toBe(0);
});

it('stops before its one deadline while the database stalls under load, and loses nothing (6.2)', async () => {
  const socket = new URL(database.url).searchParams.get('host');
  const network = await FaultyNetwork.start({ path: `${socket}/.s.PGSQL.5432` });
  const env = {
    DATABASE_URL: `postgresql://postgres@127.0.0.1:${network.port}${new URL(database.url).pathname}`,
  };
  const collector = await spawnCollector(env);
  const load = keepPosting(collector.port, 16, () => ({ event_type: 'POSTED' }));
  const { counts } = load;
  await expect.poll(() => counts.committed, { timeout: 10_000 }).toBeGreaterThan(20);
  network.stall(true);
  await expect.poll(() => counts.spooled, { timeout: 10_000 }).toBeGreaterThan(20);
  const begun = performance.now();
  const ended = collector.end('SIGTERM');
  await load.stop().catch(() => {});
  expect(await ended).toBe(0);
  // What `docker stop` gives.
  expect(performance.now() - begun).toBeLessThan(10_000);
  const taken = counts.committed + counts.spooled;
  await network.stop();
  const again = await spawnCollector({
    DATABASE_URL: database.url,
    TELEMETRY_DATA_DIR: collector.dataDirectory,
  });
  const stored = () => database.count('select count(*) from system_telemetry');
  await expect.poll(stored, { timeout: 20_000 }).toBeGreaterThanOrEqual(taken);
  expect(await again.end('SIGTERM')).toBe(0);
});
