import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Telemetry } from '../../clients/typescript/src/index.ts';
import { sendSingly, streamBatches, type Traffic } from '../chaos/clients.ts';
import { Deliveries } from '../chaos/deliveries.ts';
import { Random } from '../chaos/random.ts';
import { senders } from '../chaos/senders.ts';
import { createDatabase, type TestDatabase } from '../support/database.ts';
import { freePort } from '../support/free-port.ts';
import { type Haproxy, haproxy, startHaproxy } from '../support/haproxy.ts';
import { accountOf, imbalance } from '../support/metrics.ts';
import { type CollectorProcess, spawnCollector } from '../support/process.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';

const rounds = 2;
const libraryEveryMs = 5;

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

/** Posts by plain HTTP, unary gRPC over h2c, and streams with ids that are sent again. */
function startClients(traffic: Traffic): Promise<unknown> {
  const single = ['rest', 'rest', 'grpc', 'connect-json'].map((name, seed) => {
    const sender = senders[name] as NonNullable<(typeof senders)[string]>;
    return sendSingly(traffic, name, sender(traffic.baseUrl), new Random(seed));
  });
  const streams = [10, 11].map((seed) => streamBatches(traffic, new Random(seed)));
  return Promise.all([...single, ...streams]);
}

/** The client library logs numbers; resolves with how many, when all of them have their place. */
async function logUntil(url: string, ending: AbortSignal): Promise<number> {
  const client = new Telemetry({ url, spoolDirectory: `${directory.path}/client` });
  let logged = 0;
  while (!ending.aborted) {
    if (client.log('LIBRARY', { component: 'library', value: logged })) logged += 1;
    await new Promise((resolve) => setTimeout(resolve, libraryEveryMs));
  }
  await client.flush(20);
  await client.close(20);
  expect(client.counters()).toMatchObject({ delivered: logged });
  return logged;
}

/** How often each number of a table is stored: all of them once, or not. */
async function expectOnce(table: string, column: string, where: string, numbers: number[]) {
  const rows = await database.rows<{ number: number; count: number }>(
    `select ${column}::int as number, count(*)::int as count from ${table} where ${where} group by 1`,
  );
  const stored = new Set(rows.map(({ number }) => number));
  expect(rows.filter(({ count }) => count !== 1)).toEqual([]);
  expect(numbers.filter((number) => !stored.has(number))).toEqual([]);
}

const numbersOf = (deliveries: Deliveries, kind: 'events' | 'usage') =>
  deliveries.in('acknowledged').flatMap((delivery) => {
    const [first, count] = delivery[kind];
    return Array.from({ length: count }, (_, index) => first + index);
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
    const library = logUntil(baseUrl, ending.signal);
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
    expect(deliveries.in('unknown')).toEqual([]);
    const events = numbersOf(deliveries, 'events');
    await expectOnce('system_telemetry', 'value', `component <> 'library'`, events);
    await expectOnce('usage_stats', 'prompt_tokens', 'true', numbersOf(deliveries, 'usage'));
    const all = Array.from({ length: logged }, (_, number) => number);
    await expectOnce('system_telemetry', 'value', `component = 'library'`, all);
  }, 90_000);
});
