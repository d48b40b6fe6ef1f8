import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { verify } from '../../src/rollup/verify.ts';
import { Deliveries } from '../chaos/deliveries.ts';
import { keyAdmin } from '../security/callers.ts';
import { runCommand } from '../support/command.ts';
import { createDatabase, type TestDatabase } from '../support/database.ts';
import { freePort } from '../support/free-port.ts';
import { type Haproxy, haproxy, startHaproxy } from '../support/haproxy.ts';
import { accountOf, imbalance, metric } from '../support/metrics.ts';
import { type CollectorProcess, spawnCollector } from '../support/process.ts';
import { expectAllOnce, logUntil, startClients } from '../support/proxied-traffic.ts';
import { rollupWork } from '../support/rollup-work.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';

let database: TestDatabase;
let directory: ReturnType<typeof temporaryDirectory>;
let ports: [number, number];
let proxy: Haproxy;
const collectors: CollectorProcess[] = [];
/** What the clients of the whole scenario share. */
const ending = new AbortController();
const deliveries = new Deliveries();

const dataOf = (name: string) => join(directory.path, name);

/** `place`: of the two that HAProxy knows, which a collector takes. */
async function joined(name: string, place: 0 | 1): Promise<CollectorProcess> {
  const collector = await spawnCollector({
    DATABASE_URL: database.url,
    TELEMETRY_PORT: String(ports[place]),
    TELEMETRY_DATA_DIR: dataOf(name),
    TELEMETRY_COMMIT_MS_MAX: '500',
    TELEMETRY_STREAM_COMMIT_MS_MAX: '500',
    TELEMETRY_SHUTDOWN_DELAY_MS: '2000',
    TELEMETRY_CONNECTION_MS_MAX: '2000',
  });
  collectors.push(collector);
  return collector;
}

beforeAll(async () => {
  database = await createDatabase();
  directory = temporaryDirectory();
  ports = [await freePort(), await freePort()];
});
afterAll(async () => {
  ending.abort();
  await proxy?.stop();
  await Promise.all(collectors.map((collector) => collector.end('SIGTERM')));
  await database.drop();
  directory.remove();
});

const served = async ({ baseUrl }: CollectorProcess) => (await accountOf(baseUrl)).received;
const spooled = ({ baseUrl }: CollectorProcess) => metric(baseUrl, 'telemetry_spool_bytes');
const soon = { timeout: 60_000 };
const expectShare = (collector: CollectorProcess) =>
  expect.poll(() => served(collector), soon).toBeGreaterThan(50);

/** Nobody answers at the port of a worker, as this database has it. */
async function whileWorkerIsAway(work: () => Promise<unknown>): Promise<void> {
  const where = 'where groupid = 2';
  const [node] = await database.rows<{ port: number }>(
    `select nodeport as port from pg_dist_node ${where}`,
  );
  await database.rows(`update pg_dist_node set nodeport = 1 ${where}`);
  await work();
  await database.rows(`update pg_dist_node set nodeport = $1 ${where}`, [node?.port]);
}

describe.runIf(haproxy)('collectors behind HAProxy, on a cluster', () => {
  it('join and leave under load and in an outage, and nothing is lost or doubled', async () => {
    const first = await joined('first', 0);
    proxy = await startHaproxy(ports);
    const { baseUrl } = proxy;
    const givingUp = new AbortController().signal;
    const clients = startClients({ baseUrl, deliveries, ending: ending.signal, givingUp });
    const library = logUntil(baseUrl, dataOf('client'), ending.signal);
    await expectShare(first);
    const second = await joined('second', 1);
    await expectShare(second);
    await whileWorkerIsAway(async () => {
      for (const each of [first, second]) {
        await expect.poll(() => spooled(each), soon).toBeGreaterThan(0);
      }
      // It takes its spool along.
      expect(await first.end('SIGTERM')).toBe(0);
    });
    const third = await joined('third', 0);
    await expectShare(third);
    const env = { DATABASE_URL: database.url };
    const drained = await runCommand(['spool', 'drain', dataOf('first')], env);
    expect(drained).toMatchObject({ code: 0 });
    ending.abort();
    await clients;
    const logged = await library;
    for (const { baseUrl: url } of [second, third]) {
      await expect.poll(async () => (await accountOf(url)).pending, soon).toBe(0);
      expect(imbalance(await accountOf(url))).toBe(0);
    }
    await expectAllOnce(database, deliveries, logged);
  }, 240_000);

  it('share what is folded, and fold all of it', async () => {
    const waiting = () => database.count('select count(*) from rollup_fresh');
    await expect.poll(waiting, soon).toBe(0);
    const work = rollupWork(database);
    expect((await verify(work.db, {})).differences).toEqual([]);
    await work.end();
  });

  it('share keys and their quotas', async () => {
    const admin = keyAdmin(database);
    const limits = { recordsPerSecond: 200 };
    const { secret } = await admin.create(
      { name: 'a test' },
      { name: 'shared', scopes: ['ingest'], limits },
    );
    const post = async ({ baseUrl }: CollectorProcess, count: number) => {
      const headers = { 'content-type': 'application/json', 'x-api-key': secret };
      const body = JSON.stringify({ events: Array(count).fill({ event_type: 'SHARED' }) });
      return (await fetch(`${baseUrl}/v1/telemetry/batch`, { method: 'POST', headers, body }))
        .status;
    };
    const there = collectors.slice(1);
    for (const each of there) await expect.poll(() => post(each, 1), soon).toBe(200);
    const until = async (ms: number) => {
      const endsAt = performance.now() + ms;
      let taken = 0;
      const send = async (to: CollectorProcess) => {
        while (performance.now() < endsAt) {
          if ((await post(to, 5)) === 200) taken += 5;
          else await sleep(50);
        }
      };
      await Promise.all(there.map(send));
      return taken;
    };
    // Until they have heard of each other.
    await until(3000);
    const seconds = 8;
    const perSecond = (await until(1000 * seconds)) / seconds;
    expect(perSecond).toBeGreaterThan(0.5 * limits.recordsPerSecond);
    // By itself each would take all of it.
    expect(perSecond).toBeLessThan(1.5 * limits.recordsPerSecond);
    await admin.revoke({ name: 'a test' }, 'shared');
    for (const each of there) await expect.poll(() => post(each, 1), soon).toBe(401);
  });
});
