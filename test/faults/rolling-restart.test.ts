import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Deliveries } from '../chaos/deliveries.ts';
import { createDatabase, type TestDatabase } from '../support/database.ts';
import { freePort } from '../support/free-port.ts';
import { type Haproxy, haproxy, startHaproxy } from '../support/haproxy.ts';
import { accountOf, imbalance } from '../support/metrics.ts';
import { type CollectorProcess, spawnCollector } from '../support/process.ts';
import { expectAllOnce, logUntil, startClients } from '../support/proxied-traffic.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';

const rounds = 2;

let database: TestDatabase;
let directory: ReturnType<typeof temporaryDirectory>;
let proxy: Haproxy | undefined;
let collectors: CollectorProcess[];
beforeEach(async () => {
  database = await createDatabase();
  directory = temporaryDirectory();
  collectors = [];
});
afterEach(async () => {
  await proxy?.stop();
  await Promise.all(collectors.map((collector) => collector.end('SIGTERM')));
  await database.drop();
  directory.remove();
});

const start = (port: number) =>
  spawnCollector({
    DATABASE_URL: database.url,
    TELEMETRY_PORT: String(port),
    TELEMETRY_DATA_DIR: `${directory.path}/${port}`,
    TELEMETRY_SHUTDOWN_DELAY_MS: '3000',
    TELEMETRY_CONNECTION_MS_MAX: '2000',
  });

describe.runIf(haproxy)('behind HAProxy, over HTTP/1.1 and h2c', () => {
  it('collectors are restarted one after the other under load, and nothing is lost or doubled', async () => {
    const ports = [await freePort(), await freePort()] as const;
    collectors = await Promise.all(ports.map(start));
    proxy = await startHaproxy(ports);
    const ending = new AbortController();
    const deliveries = new Deliveries();
    const { baseUrl } = proxy;
    const givingUp = new AbortController().signal;
    const traffic = { baseUrl, deliveries, ending: ending.signal, givingUp };
    const clients = startClients(traffic);
    const library = logUntil(baseUrl, `${directory.path}/client`, ending.signal);
    const served = async ({ baseUrl: url }: CollectorProcess) => (await accountOf(url)).received;
    for (let round = 0; round < rounds; round++) {
      for (const [index, port] of ports.entries()) {
        const collector = collectors[index] as CollectorProcess;
        // It gets its share again, of connections that are older than it is, too.
        await expect.poll(() => served(collector), { timeout: 15_000 }).toBeGreaterThan(50);
        expect(await collector.end('SIGTERM')).toBe(0);
        collectors[index] = await start(port);
      }
    }
    ending.abort();
    await clients;
    const logged = await library;
    for (const { baseUrl: url } of collectors) {
      const pending = async () => (await accountOf(url)).pending;
      await expect.poll(pending, { timeout: 15_000 }).toBe(0);
      expect(imbalance(await accountOf(url))).toBe(0);
    }
    await expectAllOnce(database, deliveries, logged);
  }, 90_000);
});
