import http2 from 'node:http2';
import { pino } from 'pino';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { Collector } from '../../src/collector.ts';
import { ServiceError } from '../../src/errors.ts';
import { testConfig } from '../support/config.ts';
import { createDatabase, type TestDatabase } from '../support/database.ts';
import { ingestPath, openCall, readAnswer } from '../support/raw-call.ts';

const [right, wrong] = ['the-right-key-of-this-test', 'a-wrong-key-of-this-test'];
const attemptsMax = 3;
const logs: string[] = [];
let database: TestDatabase;
let collector: Collector;
beforeAll(async () => {
  database = await createDatabase();
  const config = testConfig({
    DATABASE_URL: database.url,
    TELEMETRY_API_KEYS: `app ingest ${right}`,
    TELEMETRY_FAILED_ATTEMPTS_MAX: String(attemptsMax),
  });
  const logger = pino({ level: 'info' }, { write: (line: string) => void logs.push(line) });
  collector = await Collector.start(config, logger);
  await collector.untilReady();
});
afterAll(async () => {
  await collector.stop();
  await database.drop();
});

async function post(key: string, more: Readonly<Record<string, string>> = {}) {
  const response = await fetch(`http://127.0.0.1:${collector.port}/v1/telemetry/log`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', 'x-api-key': key, ...more },
    body: '{"event_type":"A"}',
  });
  await response.arrayBuffer();
  return { status: response.status, retryAfter: Number(response.headers.get('retry-after')) };
}

it('answers too many wrong keys with a delay, by every way, and the right one as ever', async () => {
  for (let sent = 0; sent < attemptsMax; sent++) expect((await post(wrong)).status).toBe(401);
  // Served by our own HTTP, and by Node's; each time of another moment.
  for (const more of [{}, { 'accept-encoding': 'gzip', 'connect-timeout-ms': '9000' }]) {
    for (let sent = 0; sent < 20; sent++) {
      const { status, retryAfter } = await post(wrong, more);
      expect(status).toBe(429);
      expect(retryAfter).toBeGreaterThanOrEqual(1);
      expect(retryAfter).toBeLessThanOrEqual(60);
    }
  }
  const session = http2.connect(`http://127.0.0.1:${collector.port}`);
  for (const contentType of ['application/grpc', 'application/grpc-web']) {
    const headers = { 'content-type': contentType, 'x-api-key': wrong };
    const call = openCall(session, ingestPath('Log'), headers);
    call.end();
    const { grpcStatus, body } = await readAnswer(call);
    expect(grpcStatus ?? body.toString('latin1')).toMatch(/^8$|grpc-status: 8/);
  }
  session.destroy();
  expect((await post(right)).status).toBe(200);
});

it('logs a few of them, without the secrets', () => {
  const refused = logs.filter((line) => /a key is refused/.test(line));
  expect(refused.length).toBeGreaterThan(0);
  expect(refused.length).toBeLessThanOrEqual(5);
  expect(logs.filter((line) => /not logged/.test(line))).toHaveLength(1);
  expect(logs.filter((line) => line.includes(wrong) || line.includes(right))).toEqual([]);
});

it('tells delays in whole milliseconds, whatever clocks say', () => {
  for (const retryDelayMs of [0.1, 59_708.322_045, 1, 30_000]) {
    const error = new ServiceError('overloaded', 'full', { retryDelayMs });
    expect(error.retryDelayMs).toBe(Math.ceil(retryDelayMs));
  }
});
