import { expect } from 'vitest';
import { Telemetry } from '../../clients/typescript/src/index.ts';
import { sendSingly, streamBatches, type Traffic } from '../chaos/clients.ts';
import type { Deliveries } from '../chaos/deliveries.ts';
import { Random } from '../chaos/random.ts';
import { senders } from '../chaos/senders.ts';
import type { TestDatabase } from './database.ts';

const libraryEveryMs = 5;

/** Posts by plain HTTP, unary gRPC over h2c, and streams with ids that are sent again. */
export function startClients(traffic: Traffic): Promise<unknown> {
  const single = ['rest', 'rest', 'grpc', 'connect-json'].map((name, seed) => {
    const sender = senders[name] as NonNullable<(typeof senders)[string]>;
    return sendSingly(traffic, name, sender(traffic.baseUrl), new Random(seed));
  });
  const streams = [10, 11].map((seed) => streamBatches(traffic, new Random(seed)));
  return Promise.all([...single, ...streams]);
}

/** The client library logs numbers; resolves with how many, when all of them have their place. */
export async function logUntil(
  url: string,
  spoolDirectory: string,
  ending: AbortSignal,
): Promise<number> {
  const client = new Telemetry({ url, spoolDirectory });
  let logged = 0;
  while (!ending.aborted) {
    if (client.log('LIBRARY', { component: 'library', value: logged })) logged += 1;
    await new Promise((resolve) => setTimeout(resolve, libraryEveryMs));
  }
  await client.flush(60);
  await client.close(60);
  expect(client.counters()).toMatchObject({ delivered: logged });
  return logged;
}

/** How often each number of a table is stored: all of them once, or not. */
async function expectOnce(
  database: TestDatabase,
  table: string,
  column: string,
  where: string,
  numbers: number[],
) {
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

/** Nothing that was acknowledged is lost, nothing is doubled; `logged` by the library. */
export async function expectAllOnce(
  database: TestDatabase,
  deliveries: Deliveries,
  logged: number,
): Promise<void> {
  expect(deliveries.in('unknown')).toEqual([]);
  const events = numbersOf(deliveries, 'events');
  await expectOnce(database, 'system_telemetry', 'value', `component <> 'library'`, events);
  const usage = numbersOf(deliveries, 'usage');
  await expectOnce(database, 'usage_stats', 'prompt_tokens', 'true', usage);
  const all = Array.from({ length: logged }, (_, number) => number);
  await expectOnce(database, 'system_telemetry', 'value', `component = 'library'`, all);
}
