import net from 'node:net';
import fc from 'fast-check';
import { uuidv7 } from 'uuidv7';
import { afterAll, beforeAll, beforeEach, expect, it, vi } from 'vitest';
import { Call } from '../../src/serve/call.ts';
import { PlainCall } from '../../src/serve/plain-call.ts';
import { startCollector, type TestCollector } from '../support/collector.ts';

/** `PLAIN_JSON=100000 npx vitest run test/accept/plain-json.test.ts` is the long run. */
const numRuns = Number(process.env.PLAIN_JSON ?? 300);
const logPath = '/v1/telemetry/log';
const usagePath = '/v1/telemetry/usage';
const batchPath = '/v1/telemetry/batch';

const requestId = 'X-Request-Id: one-for-all\r\n';

let telemetry: TestCollector;
/** Past the library, and by it. */
let plain: Client;
let library: Client;
const calls = vi.spyOn(PlainCall.prototype, 'turn');
/** What passes the library by reads bodies so. */
const wholes = vi.spyOn(Call.prototype, 'whole');

beforeAll(async () => {
  telemetry = await startCollector();
  plain = new Client(telemetry.port, `${requestId}TE: trailers\r\n`);
  library = new Client(telemetry.port, `${requestId}Connect-Protocol-Version: 1\r\n`);
});
afterAll(async () => {
  plain.close();
  library.close();
  await telemetry.stop();
});
beforeEach(() => {
  calls.mockClear();
  wholes.mockClear();
});

/** One connection of HTTP/1.1, whose answers come as they are on the wire. */
class Client {
  readonly #socket: net.Socket;
  readonly #header: string;
  #received = '';
  #arrived = Promise.withResolvers<void>();

  constructor(port: number, header: string) {
    this.#header = header;
    this.#socket = net.connect(port, '127.0.0.1');
    this.#socket.on('data', (chunk) => {
      this.#received += chunk.toString('latin1');
      this.#arrived.resolve();
    });
  }

  async post(path: string, body: string): Promise<string> {
    const length = `Content-Length: ${Buffer.byteLength(body)}\r\n`;
    const type = 'Host: test\r\nContent-Type: application/json\r\n';
    this.#socket.write(`POST ${path} HTTP/1.1\r\n${type}${this.#header}${length}\r\n${body}`);
    for (;;) {
      const bodyAt = this.#received.indexOf('\r\n\r\n') + 4;
      const bytes = /content-length: (\d+)/.exec(this.#received)?.[1];
      if (bodyAt > 3 && this.#received.length >= bodyAt + Number(bytes)) break;
      this.#arrived = Promise.withResolvers();
      await this.#arrived.promise;
    }
    const answer = this.#received;
    this.#received = '';
    return answer;
  }

  close(): void {
    this.#socket.destroy();
  }
}

const idPattern = /[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}/g;
const masked = (answer: string) =>
  answer.replace(idPattern, 'ID').replace(/Date: .*/, 'Date: DATE');

/** What a row says; the times are those of its arrival. */
async function rowOf(answer: string): Promise<unknown> {
  const id = /"id":"([^"]+)"/.exec(answer)?.[1];
  if (!answer.startsWith('HTTP/1.1 200') || id === undefined) return undefined;
  const select = (table: string) =>
    telemetry.database.rows(`select * from ${table} where id = $1`, [id]);
  const rows = [...(await select('system_telemetry')), ...(await select('usage_stats'))];
  expect(rows).toHaveLength(1);
  const {
    id: _,
    timestamp: _time,
    observed_at: _observed,
    ...columns
  } = rows[0] as object & Record<string, unknown>;
  return columns;
}

async function expectSame(path: string, body: (key: string) => string): Promise<void> {
  const general = await library.post(path, body(uuidv7()));
  const row = await rowOf(general);
  // A new connection, since any that is not plain is Node's for good.
  const hot = new Client(telemetry.port, requestId);
  for (const client of [hot, plain]) {
    const answer = await client.post(path, body(uuidv7()));
    expect(masked(answer)).toBe(masked(general));
    expect(await rowOf(answer)).toEqual(row);
  }
  hot.close();
}

const goodText = fc.constantFrom(
  '',
  'OK',
  'L1',
  'VRAM_CHECK',
  'größer',
  '😀',
  'a "quoted" \\ one\n',
);
const anyText = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 12 }),
  fc.constantFrom(
    '',
    'OK',
    'L1',
    'x'.repeat(65),
    'x'.repeat(257),
    '\0',
    '\ud800',
    '😀',
    '__proto__',
    '2026-01-01T00:00:00Z',
    '\\u0041',
  ),
);
const text = fc.oneof({ weight: 30, arbitrary: goodText }, { weight: 1, arbitrary: anyText });
const number = fc.oneof(
  fc.double({ noNaN: true, noDefaultInfinity: true }),
  fc.integer(),
  fc.constantFrom(0, -0, 1e21, 5e-324, 2 ** 53),
);
const json = fc.oneof(text, number, fc.jsonValue({ maxDepth: 4 }));
const metadata = fc.dictionary(text, json, { maxKeys: 4 });
const recent = fc
  .integer({ min: -40, max: 2 })
  .map((days) => new Date(Date.now() + (days - 0.5) * 86_400_000).toISOString());
const usually = <T>(arbitrary: fc.Arbitrary<T>) =>
  fc.oneof({ weight: 40, arbitrary }, { weight: 1, arbitrary: json });

const anyEvent = fc.record(
  {
    event_type: usually(fc.oneof(fc.constant('PLAIN'), text)),
    component: usually(fc.oneof(fc.constant(null), text)),
    value: usually(fc.oneof(fc.constant(null), number, fc.constantFrom('1.5'))),
    metadata: usually(fc.oneof(fc.constant(null), metadata)),
    status: usually(fc.oneof(fc.constant(null), text)),
    timestamp: usually(recent),
    idempotency_key: usually(fc.constantFrom('KEY', '')),
    unknown: json,
  },
  { requiredKeys: ['event_type'] },
);
const tokens = usually(fc.oneof(fc.nat(), fc.constantFrom('12', 2 ** 31)));
const anyUsage = fc.record(
  {
    model: usually(fc.oneof(fc.constant('plain'), text)),
    layer: usually(text),
    prompt_tokens: tokens,
    output_tokens: tokens,
    cached_tokens: usually(fc.constantFrom(0)),
    duration_ms: usually(fc.double({ min: 0, max: 1e6, noNaN: true })),
    cost_usd: usually(fc.double({ min: 0, max: 10, noNaN: true })),
    metadata: usually(metadata),
    idempotency_key: usually(fc.constantFrom('KEY')),
  },
  { requiredKeys: ['model'] },
);
const anyBatch = fc.record(
  {
    batch_id: fc.constantFrom('KEY', ''),
    events: usually(fc.array(anyEvent, { maxLength: 3 })),
    usage: usually(fc.array(anyUsage, { maxLength: 3 })),
    unknown: json,
  },
  { requiredKeys: [] },
);
/** As it is, or cut off, or with something that does not belong there. */
const written = (record: fc.Arbitrary<unknown>) =>
  fc
    .tuple(
      record,
      fc.constantFrom('', ' ', '\n'),
      fc.nat(),
      fc.oneof(
        { weight: 9, arbitrary: fc.constant('') },
        {
          weight: 1,
          arbitrary: fc.constantFrom('cut', ',', '1e999', '\xff', 'twice', 'twice inside'),
        },
      ),
    )
    .map(([value, space, at, damage]) => {
      const body = JSON.stringify(value, undefined, space);
      if (damage === '') return body;
      if (damage === 'twice') return body.replace('{', '{"event_type":"A",');
      if (damage === 'twice inside') return body.replace('{"', '{"unknown":[{"a":1,"a":2}],"');
      const position = at % (body.length + 1);
      return body.slice(0, position) + (damage === 'cut' ? '' : damage + body.slice(position));
    });

it.each([
  [logPath, anyEvent],
  [usagePath, anyUsage],
  ['/gravitas.telemetry.v1.IngestService/Log', anyEvent],
  [batchPath, anyBatch],
  ['/gravitas.telemetry.v1.IngestService/LogBatch', anyBatch],
] as const)(
  'by %s is answered as by the library, and stores the same',
  async (path, record) => {
    await fc.assert(
      fc.asyncProperty(written(record), (body) =>
        expectSame(path, (key) => body.replace('"KEY"', JSON.stringify(key))),
      ),
      { numRuns },
    );
    expect(calls.mock.calls.length).toBeGreaterThanOrEqual(numRuns);
    expect(wholes.mock.calls.length).toBeGreaterThanOrEqual(numRuns);
  },
  60_000 + 200 * numRuns,
);

/** The encoded details have the id in them. */
const withoutDetails = (answers: string[] = []) =>
  answers.map((answer) => answer.replace(/"value":"[^"]+"/, ''));

it('answers a repetition and a conflict as the library does', async () => {
  const answers = [];
  const hot = new Client(telemetry.port, requestId);
  for (const client of [hot, plain, library]) {
    const record = (value: number) =>
      JSON.stringify({ event_type: 'KEY', value, idempotency_key: key });
    const key = uuidv7();
    answers.push([
      masked(await client.post(logPath, record(1))),
      masked(await client.post(logPath, record(1))),
      masked(await client.post(logPath, record(2))),
    ]);
  }
  hot.close();
  expect(answers[0]?.[1]).toContain('stored before');
  expect(answers[0]?.[2]).toContain('409 Conflict');
  expect(withoutDetails(answers[0])).toEqual(withoutDetails(answers[2]));
  expect(withoutDetails(answers[1])).toEqual(withoutDetails(answers[2]));
});
