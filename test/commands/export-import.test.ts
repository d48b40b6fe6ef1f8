import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { keyAdmin } from '../security/callers.ts';
import { startCollector, type TestCollector } from '../support/collector.ts';
import { runCommand } from '../support/command.ts';
import { createDatabase, type TestDatabase } from '../support/database.ts';
import { postJson } from '../support/http.ts';
import { patient } from '../support/patient.ts';
import { insertEvents } from '../support/seed.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';

const { path: folder, remove } = temporaryDirectory();
const run = ({ baseUrl }: TestCollector, args: readonly string[], env = {}) =>
  runCommand(args, { TELEMETRY_URL: baseUrl, ...env });

const start = (name: string, database?: TestDatabase, env = {}) =>
  startCollector({ TELEMETRY_DATA_DIR: `${folder}/${name}`, ...patient, ...env }, database);
/** Who may restore what was stored before. */
const restoring = { TELEMETRY_ANONYMOUS_SCOPES: 'ingest,query,admin' };

/** Digits that no double has, which JSON.stringify is given as they are. */
const exact = (digits: string) =>
  (JSON as unknown as { rawJSON(text: string): unknown }).rawJSON(digits);

const text = fc
  .string({ unit: 'grapheme', maxLength: 12 })
  .map((each) => each.replaceAll('\0', ''));
const awkward = fc.constantFrom('', ' ', '"', ',', 'a\r\nb', '=1+1', 'é€😀', '\u2028', 'null');
const someText = fc.oneof(text, awkward);
const number = fc.oneof(
  fc.double({ noNaN: true, noDefaultInfinity: true }),
  fc.constantFrom(0.1, 1e308, 5e-324, 2 ** 53, 1 / 3),
);
const metadata = fc.dictionary(
  text,
  fc.oneof(
    someText,
    number.map((each) => each),
    fc.boolean(),
    fc.constant(null),
    fc.constantFrom('12345678901234567890', '0.10', '1e3').map(exact),
    fc.array(someText, { maxLength: 3 }),
  ),
  { maxKeys: 4 },
);
const timestamp = fc
  .integer({ min: 0, max: 20 * 86_400_000 })
  .map((ago) => new Date(Date.now() - ago).toISOString().replace('Z', '456Z'));
const optional = <T>(values: fc.Arbitrary<T>) => fc.option(values, { nil: undefined });
const events = fc.array(
  fc.record({
    event_type: text.map((each) => `T${each}`),
    component: optional(someText),
    value: optional(number),
    status: optional(someText),
    metadata: optional(metadata),
    timestamp: optional(timestamp),
  }),
  { minLength: 60, maxLength: 60 },
);

const count = fc.nat({ max: 2 ** 40 });
const usage = fc.array(
  fc.record({
    model: text.map((each) => `m${each}`),
    layer: optional(someText),
    provider: fc.constantFrom('openai', 'anthropic', undefined),
    input_tokens: count,
    output_tokens: count,
    cached_tokens: optional(count),
    reasoning_tokens: optional(count),
    duration_ms: optional(fc.double({ min: 0, max: 1e9, noNaN: true })),
    time_to_first_token_ms: optional(fc.double({ min: 0, max: 1e9, noNaN: true })),
    cost_usd: optional(fc.double({ min: 0, max: 1000, noNaN: true })),
    user_id: optional(someText),
    agent: optional(someText),
    status: optional(someText),
    error_type: optional(someText),
    metadata: optional(metadata),
    timestamp: optional(timestamp),
  }),
  { minLength: 40, maxLength: 40 },
);
/** What older services have written, and JSON has no number for. */
const odd = ['NaN', 'Infinity', '-Infinity', '-0', '1e300', '5e-324'];
const stored = 61 + odd.length;
/** What the price list knows. */
const priced = { model: 'gpt-4o', provider: 'openai', input_tokens: 1234, output_tokens: 567 };

const usageOf = (database: TestDatabase) =>
  database.rows(`
    select (to_jsonb(usage_stats) - 'observed_at' - 'rolled')::text as row from usage_stats
    order by "timestamp", id`);

const rowsOf = (database: TestDatabase) =>
  database.rows(`
    select id, "timestamp", event_type, component, value::text, metadata::text, status
    from system_telemetry order by "timestamp", id`);

let source: TestCollector;
beforeAll(async () => {
  source = await start('source');
  // The same each time.
  const [some] = fc.sample(events, { numRuns: 1, seed: 20_261_126 });
  const [calls = []] = fc.sample(usage, { numRuns: 1, seed: 20_261_126 });
  const { status, body } = await postJson(`${source.baseUrl}/v1/telemetry/batch`, {
    events: some,
    usage: [...calls, priced],
  });
  expect([status, body]).toMatchObject([200, { events: 60, usage: 41, rejected: 0 }]);
  await insertEvents(source.database, [
    { event_type: 'DIRECT', component: 'older service' },
    ...odd.map((value) => ({ event_type: 'ODD', value })),
  ]);
});
afterAll(async () => {
  await source.stop();
  remove();
});

describe.each(['ndjson', 'csv', 'parquet'])('as %s', (format) => {
  const file = `${folder}/events.${format}`;

  it('records come back as they were, once', async () => {
    const exported = await run(source, ['export', 'events', '--output', file]);
    expect(exported).toEqual({ code: 0, stdout: '', stderr: `${stored} events exported\n` });
    const target = await start(format, undefined, restoring);
    const imported = await run(target, ['import', file]);
    expect(imported).toEqual({
      code: 0,
      stdout: `${stored} read: ${stored} stored, 0 there already, 0 refused\n`,
      stderr: '',
    });
    expect(await rowsOf(target.database)).toEqual(await rowsOf(source.database));
    const again = await run(target, ['import', file, '--json']);
    expect(JSON.parse(again.stdout)).toMatchObject({ stored: 0, known: stored, refused: 0 });
    expect(await target.database.count('select count(*) from system_telemetry')).toBe(stored);
    const calls = `${folder}/usage.${format}`;
    expect(await run(source, ['export', 'usage', '--output', calls])).toMatchObject({ code: 0 });
    expect(await run(target, ['import', calls])).toMatchObject({
      code: 0,
      stdout: '41 read: 41 stored, 0 there already, 0 refused\n',
    });
    expect(await usageOf(target.database)).toEqual(await usageOf(source.database));
    await target.stop();
  });
});

it('exports to the standard output, by a filter, more pages than one', async () => {
  const database = await createDatabase();
  const many = await start('many', database);
  await database.rows(`
    insert into system_telemetry (event_type, component, value, "timestamp")
    select 'MANY', 'c' || i % 2, i, now() - i * interval '1 ms' from generate_series(1, 5000) as i`);
  const { stdout, code } = await run(many, ['export', '--component', 'c1']);
  const values = stdout
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line).value);
  expect([code, values.length]).toEqual([0, 2500]);
  expect(values).toEqual(Array.from({ length: 2500 }, (_, index) => 2 * index + 1));
  await many.stop();
  await database.drop();
});

it('says in JSON what it has written, or writes it as one list', async () => {
  const output = `${folder}/told.csv`;
  const told = await run(source, ['export', 'usage', '--json', '--output', output]);
  expect([told.code, told.stderr]).toEqual([0, '']);
  expect(JSON.parse(told.stdout)).toEqual({ records: 41, format: 'csv', output });
  const list = await run(source, ['export', '--type', 'DIRECT', '--json']);
  expect([list.code, list.stderr]).toEqual([0, '']);
  expect(JSON.parse(list.stdout)).toMatchObject([{ event_type: 'DIRECT' }]);
  const none = await run(source, ['export', '--type', 'NONE', '--json']);
  expect(none).toEqual({ code: 0, stdout: '[]\n', stderr: '' });
});

it('imports older records by a key with the scope admin only, and names them otherwise', async () => {
  const database = await createDatabase();
  const keys = keyAdmin(database);
  const make = async (name: string, scopes: string[]) =>
    (await keys.create({ name: 'a test' }, { name, scopes })).secret;
  const app = await make('app', ['ingest', 'query']);
  const root = await make('root', ['ingest', 'query', 'admin']);
  const target = await start('older', database);
  const file = `${folder}/older.ndjson`;
  const line = (id: number, days: number) =>
    JSON.stringify({
      id: `00000000-0000-4000-8000-00000000000${id}`,
      event_type: 'OLD',
      timestamp: new Date(Date.now() - days * 86_400_000).toISOString(),
    });
  const infinite = line(3, 1).replace('"OLD"', '"OLD","value":"-Infinity"');
  writeFileSync(file, `${line(1, 1)}\n${line(2, 45)}\n${infinite}\n`);
  const refused = await run(target, ['import', file], { TELEMETRY_TOKEN: app });
  expect(refused).toMatchObject({
    code: 1,
    stdout: '3 read: 1 stored, 0 there already, 2 refused\n',
    stderr: `record 2 (00000000-0000-4000-8000-000000000002): timestamp is older than 30 days
record 3 (00000000-0000-4000-8000-000000000003): value is -Infinity, not a finite number
`,
  });
  const secret = `${folder}/secret`;
  writeFileSync(secret, `${root}\n`);
  const both = { TELEMETRY_TOKEN: app, TELEMETRY_TOKEN_FILE: secret };
  expect((await run(target, ['import', file], both)).stderr).toContain('which is it?');
  const whole = await run(target, ['import', file], { TELEMETRY_TOKEN_FILE: secret });
  expect(whole).toMatchObject({
    code: 0,
    stdout: '3 read: 2 stored, 1 there already, 0 refused\n',
  });
  expect(await database.count('select count(*) from system_telemetry')).toBe(3);
  const unknown = await run(target, ['import', file], { TELEMETRY_TOKEN: 'wrong' });
  expect(unknown.code).toBe(1);
  expect(unknown.stderr).toContain('(by TELEMETRY_TOKEN or --key)');
  await target.stop();
  await database.drop();
});

describe('says in one sentence what is wrong', () => {
  const file = `${folder}/wrong.ndjson`;
  it.each([
    [['export', 'traces'], '"traces" is neither events nor usage'],
    [['export', '--format', 'xml'], '--format: "xml" is none of csv, ndjson, parquet'],
    [['export', '--format', 'parquet'], '--output is needed: Parquet is no text'],
    [['export', '--format', 'csv', '--json'], '--format and --json: which is it?'],
    [['events', '--key-file', `${folder}/none`], '--key-file: ENOENT'],
    [['export', '--model', 'm'], '--model is of usage records only'],
    [['import', `${folder}/none.ndjson`], 'ENOENT: no such file or directory'],
    [['import', file], 'line 2 is no object in JSON'],
    [['events', '--limit', '0'], '--limit: "0" is no whole number from 1 to 1000000'],
    [['events', '--metadata', '[]'], '--metadata: [] is no object in JSON, such as {"gpu_id":0}'],
    [
      ['events', '--since', '999999999999d'],
      '--since: "999999999999d" is longer ago than any time',
    ],
    [['events', '--hours', '1e10'], '--hours: "1e10" is longer ago than any time'],
    [['events', '--since', 'x'], '--since: "x" is no time'],
    [
      ['events', '--url', 'nowhere'],
      '--url: "nowhere" is no address such as http://localhost:8002',
    ],
    [['events', '--url', 'http://127.0.0.1:1'], 'no collector answers at http://127.0.0.1:1/'],
  ])('%j', async (args, sentence) => {
    writeFileSync(file, '{"event_type":"A","id":"1"}\nno JSON\n');
    const { code, stdout, stderr } = await run(source, args as string[]);
    expect([code, stdout]).toEqual([1, '']);
    expect(stderr).toContain(sentence);
    expect(stderr.trimEnd().split('\n')).toHaveLength(1);
  });

  it('leaves no file that looks like an export', async () => {
    const path = `${folder}/half.csv`;
    const { code } = await run(source, ['export', '--output', path, '--url', 'http://127.0.0.1:1']);
    expect(code).toBe(1);
    expect(() => readFileSync(path)).toThrow('ENOENT');
  });
});

it('leaves what it has when it fails, and says how to go on', async () => {
  const line = JSON.stringify({
    id: '1',
    timestamp: '2026-11-01T00:00:00.123456+00:00',
    event_type: 'A',
  });
  // A collector that answers one page.
  const server = createServer(({ url }, response) => {
    if (url?.includes('page_token')) response.writeHead(400).end('{"message":"no more"}');
    else response.writeHead(200, { link: '<?page_token=x>; rel="next"' }).end(`${line}\n`);
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const path = `${folder}/part.ndjson`;
  const { port } = server.address() as AddressInfo;
  const url = `http://127.0.0.1:${port}/`;
  const { code, stderr } = await run(source, ['export', '--output', path, '--url', url]);
  server.close();
  expect([code, stderr.split('\n')]).toEqual([
    1,
    [
      `${path}.part has the newest 1; --until 2026-11-01T00:00:00.124Z goes on with the rest`,
      `${url} refuses: no more`,
      '',
    ],
  ]);
  expect(JSON.parse(readFileSync(`${path}.part`, 'utf8'))).toMatchObject({ event_type: 'A' });
  expect(() => readFileSync(path)).toThrow('ENOENT');
});

it('shows events as a table, or in JSON', async () => {
  const table = await run(source, ['events', '--type', 'DIRECT']);
  expect(table.stdout).toMatch(
    /^timestamp +event_type +component +value +status +metadata\n\S+ \S+ +DIRECT +older service\n$/,
  );
  const json = await run(source, ['events', '--type', 'DIRECT', '--json']);
  expect(JSON.parse(json.stdout)).toMatchObject([{ event_type: 'DIRECT', value: null }]);
});

it('shows statistics', async () => {
  await postJson(`${source.baseUrl}/v1/telemetry/log`, {
    event_type: 'THOUGHT_LATENCY',
    component: 'm',
    value: 2,
  });
  const { code, stdout } = await run(source, [
    'stats',
    '--by',
    'component',
    '--type',
    'THOUGHT_LATENCY',
  ]);
  expect(code).toBe(0);
  expect(stdout).toMatch(/^component +count/);
  const json = await run(source, ['stats', '--json']);
  expect(JSON.parse(json.stdout)).toHaveProperty('time_window_hours');
});
