import { envelope, ingestPath } from '../../test/support/raw-call.ts';
import { dress } from './dress.ts';
import { http1Bytes, http2Bytes, http10Bytes } from './frames.ts';
import { type Json, mutateBytes, mutateJson } from './mutate.ts';
import type { Random } from './random.ts';
import { batch, event, messages, records, usage } from './samples.ts';

/** What is sent at once: a request, or bytes on a connection of their own. */
export interface Input {
  readonly kind: string;
  /** Mutated parts: more than one where records are mutated each by itself. */
  readonly parts: number;
  /** RAW: the body is all that is sent. */
  readonly method: string;
  readonly path: string;
  /** What the body is. */
  readonly contentType: string;
  /** The path as it is sent. */
  readonly target?: string;
  /** As they are sent; the content type in words of its own. */
  readonly headers?: Readonly<Record<string, string>>;
  readonly body: Buffer;
}

const samples = [...records, ...Object.values(messages)];
const recordsPerBatch = 32;

const request = (kind: string, path: string, contentType: string, body: Buffer, parts = 1) =>
  ({ kind, parts, method: 'POST', path, contentType, body }) satisfies Input;

/** One in three texts is also damaged as bytes. */
function jsonBytes(random: Random, value: Json): Buffer {
  const bytes = Buffer.from(mutateJson(random, value));
  return random.below(3) === 0 ? mutateBytes(random, bytes, [bytes]) : bytes;
}

const jsonOf: Readonly<Record<string, Json>> = { Log: event, LogUsage: usage, LogBatch: batch };
const rest = [
  ['/v1/telemetry/log', event],
  ['/v1/telemetry/usage', usage],
  ['/v1/telemetry/batch', batch],
] as const;

/** One text that is no JSON would cost its whole batch. */
function parsable(text: string): string {
  try {
    JSON.parse(text);
    return text.includes('[[[[') || text.includes('{"a":{"a":{"a"') ? '{}' : text;
  } catch {
    return 'null';
  }
}

const message = (random: Random, method: string) =>
  mutateBytes(random, messages[method] as Buffer, samples);
const unary = (random: Random) => random.pick(Object.keys(messages));

/** Framed messages of a stream, of which the frames are damaged too at times. */
function framed(random: Random, count: number, next: () => Buffer): Buffer {
  const frames = Array.from({ length: count }, () =>
    envelope(next(), random.pick([0, 0, 0, 1, 2])),
  );
  const bytes = Buffer.concat(frames);
  return random.below(2) === 0 ? bytes : mutateBytes(random, bytes, samples);
}

const stream = (random: Random, kind: string, method: string, contentType: string) => {
  const json = contentType.endsWith('json');
  const next = () => (json ? jsonBytes(random, batch) : message(random, 'LogBatch'));
  return request(kind, ingestPath(method), contentType, framed(random, 1 + random.below(3), next));
};

const queries = ['events', 'stats', 'usage/summary', 'trends', 'footprint'];
const paths = [
  ...queries.map((query) => `/v1/telemetry/${query}`),
  ...rest.map(([path]) => path),
  ...['/health', '/livez', '/readyz', '/metrics', '/', '*', '/nothing'],
  ...['Log', 'StreamBatches', 'Nothing'].map(ingestPath),
];
const methods = ['HEAD', 'OPTIONS', 'PUT', 'DELETE', 'PATCH', 'TRACE', 'QUERY', 'HEAD', 'OPTIONS'];
const parameters = [
  'limit',
  'component',
  'event_type',
  'hours',
  'page_token',
  'start_time',
  'end_time',
  'days',
];
const parameterValues = [
  '',
  '0',
  '-1',
  '1e9',
  'NaN',
  '1.5',
  '1',
  '%00',
  '%ff',
  'é',
  '2026-01-01',
  '2026-01-01T00:00:00Z',
  '2026-09-31T10:00:00Z',
  '2026-01-01T00:00:00%2B05:30',
  '2026-01-01T00:00:00+05:30',
  '2026-01-01T23:59:60Z',
  '0x10',
  '+5',
  '%205%20',
  'x',
];

/** The kinds of input, each as often as its number says. */
const kinds: readonly (readonly [number, (random: Random) => Input])[] = [
  [
    8,
    (random) => {
      const texts = Array.from({ length: recordsPerBatch }, () =>
        parsable(mutateJson(random, event)),
      );
      const body = Buffer.from(`{"events":[${texts.join(',')}]}`);
      return request(
        'json-records',
        '/v1/telemetry/batch',
        'application/json',
        body,
        recordsPerBatch,
      );
    },
  ],
  [
    8,
    (random) => {
      const events = Array.from({ length: recordsPerBatch }, () => {
        const record = mutateBytes(random, random.pick(records), samples);
        const length = Buffer.of((record.length & 127) | 128, record.length >> 7);
        return Buffer.concat([Buffer.of(random.pick([0x12, 0x1a])), length, record]);
      });
      const path = ingestPath('LogBatch');
      return request(
        'proto-records',
        path,
        'application/proto',
        Buffer.concat(events),
        recordsPerBatch,
      );
    },
  ],
  [
    20,
    (random) => {
      const [path, value] = random.pick(rest);
      return request('rest-json', path, 'application/json', jsonBytes(random, value));
    },
  ],
  [
    10,
    (random) => {
      const method = unary(random);
      const body = jsonBytes(random, jsonOf[method] as Json);
      return request('connect-json', ingestPath(method), 'application/json', body);
    },
  ],
  [
    14,
    (random) => {
      const method = unary(random);
      return request(
        'connect-proto',
        ingestPath(method),
        'application/proto',
        message(random, method),
      );
    },
  ],
  [
    10,
    (random) => {
      const method = unary(random);
      const body = framed(random, 1, () => message(random, method));
      return request('grpc-unary', ingestPath(method), 'application/grpc+proto', body);
    },
  ],
  [8, (random) => stream(random, 'grpc-stream', 'StreamBatches', 'application/grpc+proto')],
  [4, (random) => stream(random, 'grpc-summary', 'StreamEvents', 'application/grpc+proto')],
  [4, (random) => stream(random, 'connect-stream', 'StreamBatches', 'application/connect+json')],
  [
    6,
    (random) => {
      const method = unary(random);
      const body = framed(random, 1, () => message(random, method));
      return request('grpc-web', ingestPath(method), 'application/grpc-web+proto', body);
    },
  ],
  [
    2,
    (random) => {
      const pairs = Array.from(
        { length: random.below(4) },
        () => `${random.pick(parameters)}=${random.pick(parameterValues)}`,
      );
      const path = `/v1/telemetry/${random.pick(queries)}?${pairs.join('&')}`;
      return {
        kind: 'query',
        parts: 1,
        method: 'GET',
        path,
        contentType: '',
        body: Buffer.alloc(0),
      };
    },
  ],
  [
    4,
    (random) => {
      const values = Array.from({ length: recordsPerBatch }, () => mutateJson(random, event));
      const [contentType, text] = random.pick([
        ['application/x-ndjson', values.join(random.pick(['\n', '\r\n', '\n\n', '\n \n']))],
        ['application/json', `[${values.map(parsable).join(',')}]`],
      ] as const);
      const body = Buffer.from(text);
      return request('json-lists', '/v1/telemetry/batch', contentType, body, recordsPerBatch);
    },
  ],
  [
    3,
    (random) => {
      const body = random.below(2) === 0 ? Buffer.alloc(0) : jsonBytes(random, event);
      const [method, path] = [random.pick(methods), random.pick(paths)];
      return { ...request('odd-method', path, 'application/json', body), method };
    },
  ],
  [1, (random) => raw(random, 'raw-http10', http10Bytes(event))],
  [3, (random) => raw(random, 'raw-http1', http1Bytes(event))],
  [
    4,
    (random) =>
      raw(random, 'raw-http2', http2Bytes(ingestPath('Log'), envelope(messages.Log as Buffer))),
  ],
];

function raw(random: Random, kind: string, valid: Buffer): Input {
  const body =
    random.below(20) === 0 ? random.bytes(random.below(300)) : mutateBytes(random, valid, [valid]);
  return { kind, parts: 1, method: 'RAW', path: '', contentType: '', body };
}

const total = kinds.reduce((sum, [weight]) => sum + weight, 0);

export function nextInput(random: Random): Input {
  let left = random.below(total);
  for (const [weight, make] of kinds) {
    left -= weight;
    if (left < 0) return dress(random, make(random));
  }
  throw new Error('unreachable');
}
