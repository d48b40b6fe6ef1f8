import { globSync } from 'node:fs';
import { join } from 'node:path';
import type { DescMessage, DescService, JsonObject } from '@bufbuild/protobuf';
import { fromJson, toBinary } from '@bufbuild/protobuf';
import type { Code } from '@connectrpc/connect';
import { codeToString } from '@connectrpc/connect/protocol-connect';
import { pino } from 'pino';
import { afterAll, beforeAll, expect, it } from 'vitest';
import {
  LogBatchRequestSchema,
  LogRequestSchema,
  LogUsageRequestSchema,
} from '../../gen/typescript/gravitas/telemetry/v1/ingest_pb.js';
import { Collector } from '../../src/collector.ts';
import type { Route } from '../../src/serve/route.ts';
import { testConfig } from '../support/config.ts';
import { createDatabase, type TestDatabase } from '../support/database.ts';
import { patient } from '../support/patient.ts';
import { envelope } from '../support/raw-call.ts';
import { evilTexts, storable } from './evil-texts.ts';
import { textFields } from './text-fields.ts';
import { type Answer, type Ask, type Way, ways } from './ways.ts';

const atATime = 12;
const [watchMs, secret] = [500, 'what-others-must-not-see'];
const logs: string[] = [];
let database: TestDatabase;
let collector: Collector;
let open: Readonly<Record<keyof typeof ways, Way>>;

beforeAll(async () => {
  database = await createDatabase();
  const config = testConfig({
    DATABASE_URL: database.url,
    ...patient,
    TELEMETRY_ANONYMOUS_SCOPES: 'ingest,query,admin',
    TELEMETRY_QUERY_MS_MAX: '60000',
    TELEMETRY_TAILS_MAX: '1000',
  });
  const logger = pino({ level: 'trace' }, { write: (line: string) => void logs.push(line) });
  collector = await Collector.start(config, logger);
  await collector.untilReady();
  const baseUrl = `http://127.0.0.1:${collector.port}`;
  open = Object.fromEntries(Object.entries(ways).map(([name, way]) => [name, way(baseUrl)]));
  const others = { events: [{ event_type: 'BASE', component: 'others', metadata: { secret } }] };
  await expectTaken([post('/v1/telemetry/batch', JSON.stringify(others))]);
});
afterAll(async () => {
  for (const way of Object.values(open)) way.close();
  await collector.stop();
  await database.drop();
});

/** One request with one text in one place of it. */
interface Case extends Ask {
  readonly way: string;
  readonly field: string;
  /** It has to be taken or refused by its name. */
  readonly isKnown: boolean;
}

const allowed = ['ok', 'invalid_argument', 'not_found', 'already_exists', 'deadline_exceeded'];

function codeOf({ status, headers, trailers, body }: Answer): string {
  const grpc =
    trailers['grpc-status'] ?? headers['grpc-status'] ?? /grpc-status: ?(\d+)/.exec(body)?.[1];
  if (grpc !== undefined) return grpc === '0' ? 'ok' : codeToString(Number(grpc) as Code);
  const told = /"code":"(\w+)"/.exec(body)?.[1];
  return told ?? (status === 200 ? 'ok' : `status ${status}`);
}

/** All text of an answer, with messages of gRPC as they are meant. */
function textOf({ headers, trailers, body }: Answer): string {
  const message = String(trailers['grpc-message'] ?? headers['grpc-message'] ?? '');
  return body + message.replaceAll(/(%[0-9A-F]{2})+/g, (bytes) => decodeURIComponent(bytes));
}

const triesMax = 20;

/** On a busy machine it may be put off, which says nothing of the text. */
async function heard(asked: Case, tries = 1): Promise<Answer> {
  const answer = await (open[asked.way] as Way).hear(asked);
  const isPutOff = /unavailable|resource_exhausted/.test(codeOf(answer));
  return isPutOff && tries < triesMax ? await heard(asked, tries + 1) : answer;
}

/** What is wrong with how a text was received; empty where nothing is. */
async function faultsOf(asked: Case): Promise<string[]> {
  const answer = await heard(asked);
  const [code, text] = [codeOf(answer), textOf(answer)];
  const heads = Object.entries({ ...answer.headers, ...answer.trailers });
  const isNamed = !asked.isKnown || code !== 'invalid_argument' || text.includes(asked.field);
  const wrong = [
    !allowed.includes(code) && code,
    heads.some(([name]) => /injected|set-cookie/.test(name)) && 'a header of its own',
    heads.some(([, value]) => /[^\t\x20-\x7e]/.test(String(value))) && 'a header of more than text',
    /SQLSTATE|syntax error/.test(text) && 'PostgreSQL had to look at it',
    asked.isKnown && text.includes(secret) && 'it sees more than it may',
    !isNamed && 'its field is not named',
  ].filter((each) => each !== false);
  const { way, method, path, contentType, field } = asked;
  const about = [way, method, path, contentType, field, text.slice(0, 200)].join(' · ');
  return wrong.map((each) => `${each}: ${about}`);
}

async function expectTaken(cases: readonly Case[]): Promise<void> {
  const waiting = cases.values();
  const faults: string[] = [];
  const work = async () => {
    for (const each of waiting) faults.push(...(await faultsOf(each)));
  };
  await Promise.all(Array.from({ length: atATime }, work));
  expect(faults).toEqual([]);
}

const gen = new URL('../../gen/typescript/', import.meta.url).pathname;
const generated = await Promise.all(
  globSync('**/*_pb.js', { cwd: gen }).map(
    async (file): Promise<object> => await import(/* @vite-ignore */ join(gen, file)),
  ),
);
const isService = (value: unknown): value is DescService =>
  (value as DescService | undefined)?.kind === 'service';
const services = new Map(
  generated
    .flatMap((file) => Object.values(file).filter(isService))
    .map((service) => [service.typeName, service]),
);

const oneEvent = { events: [{ event_type: 'BASE' }] };
let made = 0;
/** What a message needs beside the text, so that somebody looks at it. */
const base = ({ name }: DescMessage): JsonObject =>
  ({
    LogRequest: { event_type: 'BASE' },
    Event: { event_type: 'BASE' },
    LogUsageRequest: { model: 'base' },
    Usage: { model: 'base' },
    CreateKeyRequest: { name: `made-${made++}` },
    RotateKeyRequest: { name: 'nobody' },
    EraseRecordsRequest: { dry_run: true },
    TailRequest: { recent: 5 },
    LogBatchRequest: oneEvent,
    StreamEventsRequest: oneEvent,
    StreamBatchesRequest: oneEvent,
  })[name] ?? {};

/** Places where a text means more behind a word, or in another form. */
const forms: Readonly<Record<string, (text: string) => string>> = {
  group_by: (text) => `metadata.${text}`,
  dimensions: (text) => `metadata.${text}`,
  value: (text) => `metadata.${text}`,
  page_token: (text) => Buffer.from(`1/${text}`).toString('base64url'),
};

/** Each place gets other texts by other protocols. */
function textAt(field: string, turn: number): string {
  const text = evilTexts[turn % evilTexts.length] as string;
  const form = forms[field];
  return form && turn % 2 === 0 ? form(text) : text;
}

function encoded(schema: DescMessage, contentType: string, json: JsonObject): Uint8Array {
  const message = contentType.endsWith('json')
    ? Buffer.from(JSON.stringify(json))
    : toBinary(schema, fromJson(schema, wellFormed(json)));
  if (/^application\/(json|proto)$/.test(contentType)) return message;
  const enveloped = envelope(message);
  return contentType.includes('web-text') ? Buffer.from(enveloped.toString('base64')) : enveloped;
}

/** Protobuf has no other texts. */
const wellFormed = (json: JsonObject): JsonObject =>
  JSON.parse(JSON.stringify(json).replaceAll(/\\ud[89ab]../g, '\\ufffd'));

const impatient = { 'grpc-timeout': `${watchMs}m`, 'connect-timeout-ms': String(watchMs) };

/** A method by every protocol that it has. */
function casesOf({ path, kind, mediaTypes = [] }: Route, input: DescMessage): Case[] {
  const fields = textFields(input, base);
  // With +proto gRPC says what it means anyway.
  const told = mediaTypes.filter((type) => !/grpc.*\+proto$/.test(type));
  return told.flatMap((contentType, type) =>
    fields.flatMap((field, index): Case[] => {
      if (field.isForeign && !contentType.endsWith('json')) return [];
      const body = encoded(input, contentType, field.fill(textAt(field.name, index + type)));
      const headers = kind === 'unary' ? {} : impatient;
      const asked = {
        method: 'POST',
        path,
        contentType,
        headers,
        body,
        field: field.name,
        isKnown: true,
      };
      const overHttp1 = kind === 'unary' && /^application\/(json|proto)$/.test(contentType);
      return (overHttp1 ? Object.keys(ways) : ['HTTP/2']).map((way) => ({ ...asked, way }));
    }),
  );
}

const post = (path: string, body: string, field = '', contentType = 'application/json'): Case => ({
  ...{ way: 'HTTP/1.1', method: 'POST', path, contentType, headers: {}, isKnown: true },
  ...{ body: Buffer.from(body), field },
});

const get = (path: string, field: string, isKnown = true, way = 'HTTP/2'): Case => ({
  ...{ way, method: 'GET', path, contentType: 'text/plain', headers: {}, field, isKnown },
});

/** Of a route of the contract. */
function inputOf({ path }: Route): DescMessage | undefined {
  const [, service = '', method = ''] = /^\/([\w.]+)\/(\w+)$/.exec(path) ?? [];
  return services.get(service)?.methods.find(({ name }) => name === method)?.input;
}

const contract = () => collector.routes.filter(({ path }) => /^\/\w+(\.\w+)+\/\w+$/.test(path));

it('is text in every field of every method, by every protocol', async () => {
  const cases = contract().flatMap((route) => casesOf(route, inputOf(route) as DescMessage));
  expect(cases.length).toBeGreaterThan(1000);
  await expectTaken(cases);
}, 240_000);

it('is text in questions in an address', async () => {
  const cases = contract()
    .filter(({ methods }) => methods.includes('GET'))
    .flatMap((route) =>
      textFields(inputOf(route) as DescMessage, base).map(({ name, fill }, index) => {
        const message = JSON.stringify(fill(textAt(name, index)));
        const query = new URLSearchParams({ connect: 'v1', encoding: 'json', message });
        return get(`${route.path}?${query}`, name);
      }),
    );
  await expectTaken(cases);
}, 120_000);

const plain = {
  '/v1/telemetry/log': LogRequestSchema,
  '/v1/telemetry/usage': LogUsageRequestSchema,
  '/v1/telemetry/batch': LogBatchRequestSchema,
};

it('is text in the records of the plain names, over HTTP/1.1 and HTTP/2', async () => {
  const records = Object.entries(plain).flatMap(([path, schema]) =>
    textFields(schema, base).map(({ name, fill }, index) =>
      post(path, JSON.stringify(fill(textAt(name, index))), name),
    ),
  );
  const lines = textFields(LogRequestSchema, base).map(({ name, fill }, index) =>
    post(
      '/v1/telemetry/batch',
      JSON.stringify(fill(textAt(name, index))),
      name,
      'application/x-ndjson',
    ),
  );
  const both = [...records, ...lines];
  await expectTaken([...both, ...both.map((each) => ({ ...each, way: 'HTTP/2' }))]);
}, 120_000);

it('is text in the parameters of the plain names, known or not', async () => {
  const questions = services.get('gravitas.telemetry.v1.QueryService') as DescService;
  const names = new Set(
    questions.methods.flatMap(({ input }) => textFields(input, base).map(({ name }) => name)),
  );
  const asked = collector.routes.filter(
    ({ path, scope }) => /^\/v1\//.test(path) && scope === 'query',
  );
  expect([asked.length, names.size].every((count) => count >= 10)).toBe(true);
  const cases = asked.flatMap(({ path }, route) => [
    ...[...names, 'format'].map((name, index) => {
      const query = new URLSearchParams({ [name]: textAt(name, index + route) });
      return get(`${path}?${query}`, name, false, index % 2 === 0 ? 'HTTP/1.1' : 'HTTP/2');
    }),
    ...evilTexts.map((text) => get(`${path}?${new URLSearchParams({ [text]: 'a' })}`, '', false)),
  ]);
  await expectTaken(cases);
}, 120_000);

it('is text in the headers of requests, and in paths', async () => {
  const names = [
    'x-request-id',
    'traceparent',
    'user-agent',
    'origin',
    'referer',
    'accept',
    'accept-encoding',
  ];
  const further = [
    'if-none-match',
    'x-forwarded-for',
    'forwarded',
    'cookie',
    'grpc-timeout',
    'connect-timeout-ms',
  ];
  const sent = evilTexts.map((text) => encodeURI(text.toWellFormed()));
  const cases = [...names, ...further].flatMap((name) =>
    sent.map((text) => ({
      ...get('/v1/telemetry/events?component=x', '', false),
      headers: { [name]: text },
    })),
  );
  const paths = evilTexts.map((text) =>
    get(`/v1/telemetry/${encodeURIComponent(text.toWellFormed())}`, '', false),
  );
  const both = [...cases, ...paths];
  await expectTaken([...both, ...both.map((each) => ({ ...each, way: 'HTTP/1.1' }))]);
}, 120_000);

it('is stored as it is, and nothing else has come of it', async () => {
  const known = new Set(['BASE', 'base', 'others', 'contract', ...evilTexts.map(storable)]);
  for (const table of ['system_telemetry', 'usage_stats']) {
    const columns = await database.rows<{ name: string }>(
      `select attname as name from pg_attribute where attrelid = '${table}'::regclass
        and attnum > 0 and not attisdropped and atttypid in ('text'::regtype, 'varchar'::regtype)`,
    );
    for (const { name } of columns) {
      const rows = await database.rows<{ text: string | null }>(
        `select distinct ${name} as text from ${table} where ${name} <> ''`,
      );
      const texts = rows.map(({ text }) => text);
      expect([name, texts.filter((text) => !known.has(text ?? ''))]).toEqual([name, []]);
    }
  }
  expect(await database.count(`select count(*) from pg_class where relname = 'injected'`)).toBe(0);
  const keys = `select count(*) from telemetry_keys where name !~ '^made-\\d+$'`;
  expect(await database.count(keys)).toBe(0);
  expect(Object.keys(Object.prototype)).toEqual([]);
});

it('is text in logs and metrics', async () => {
  const told = logs
    .join('')
    .split('\n')
    .filter(Boolean)
    .map((line) => JSON.parse(line));
  expect(told.length).toBeGreaterThan(0);
  expect(told.filter(({ level, msg }) => level >= 50 || /^injected/.test(msg))).toEqual([]);
  const metrics = await (await fetch(`http://127.0.0.1:${collector.port}/metrics`)).text();
  const line = /^(#.*|[a-z_]\w*(\{(\w+="([^"\\]|\\.)*",?)*\})? [-+\w.]+)$/;
  expect(metrics.split('\n').filter((each) => each !== '' && !line.test(each))).toEqual([]);
  expect(metrics).not.toMatch(/injected|passwd/);
});
