import { execFile } from 'node:child_process';
import { readdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { startCollector, type TestCollector } from '../../../test/support/collector.ts';
import { createDatabase, type TestDatabase } from '../../../test/support/database.ts';
import { freePort } from '../../../test/support/free-port.ts';
import { postJson } from '../../../test/support/http.ts';
import { uuidV7At } from '../../../test/support/ids.ts';
import { temporaryDirectory } from '../../../test/support/temporary-directory.ts';
import { Telemetry, type TelemetryOptions } from '../src/index.ts';
import { SpoolWriter } from '../src/node/spool-writer.ts';
import { expectOnce, upTo } from './support/exactly-once.ts';
import { startScriptedServer } from './support/servers.ts';

/** Clause 4: what can't be delivered waits in files, and is delivered once. */
let database: TestDatabase;
let directory: string;
let url: string;
let collector: TestCollector | undefined;
const clients: Telemetry[] = [];

beforeEach(async () => {
  database = await createDatabase();
  directory = temporaryDirectory().path;
  url = `http://127.0.0.1:${await freePort()}`;
});
afterEach(async () => {
  for (const telemetry of clients.splice(0)) await telemetry.close();
  await collector?.stop();
  collector = undefined;
  await database.drop();
});

async function startService(): Promise<TestCollector> {
  collector = await startCollector({ TELEMETRY_PORT: new URL(url).port }, database);
  return collector;
}

function client(options: TelemetryOptions = {}): Telemetry {
  const logger = { info: () => {}, warn: () => {} };
  const telemetry = new Telemetry({ url, spoolDirectory: directory, logger, ...options });
  clients.push(telemetry);
  return telemetry;
}

const spooled = (end = '.jsonl') => readdirSync(directory).filter((name) => name.endsWith(end));
const linesOf = (name: string) =>
  readFileSync(join(directory, name), 'utf8')
    .split('\n')
    .filter((line) => line !== '');
const log = (telemetry: Telemetry, component: string, values: readonly number[]) => {
  for (const value of values) telemetry.log('SPOOLED', { component, value, metadata: { value } });
};
const emptied = () => expect.poll(() => spooled(), { timeout: 20_000 }).toEqual([]);

it('the service is down for the whole run, then up', async () => {
  const down = client({ batchEventsMax: 100 });
  log(down, 'outage', upTo(1000));
  expect(await down.close(10)).toMatchObject({ complete: true });
  expect(down.counters()).toMatchObject({ taken: 1000, delivered: 0, spooled: 1000 });
  await startService();
  const up = client();
  log(up, 'outage', [1000]);
  await expectOnce(database, 'outage', upTo(1001));
  await emptied();
});

it('the service comes back while the application runs', async () => {
  const telemetry = client();
  log(telemetry, 'return', upTo(10));
  await telemetry.flush(10);
  log(telemetry, 'return', [10, 11]);
  await telemetry.flush(10);
  await startService();
  log(telemetry, 'return', [12]);
  await expectOnce(database, 'return', upTo(13));
  await emptied();
  const { delivered, spooled: kept, taken } = telemetry.counters();
  expect({ delivered, taken }).toEqual({ delivered: 13, taken: 13 });
  expect(kept).toBeGreaterThanOrEqual(12);
});

it('4.2 a line is the batch as JSON, its id first, and can be posted as it stands', async () => {
  const telemetry = client({ serviceName: 'lines' });
  log(telemetry, 'line', [1.5]);
  telemetry.logUsage('m', 'L1', 1, 2, 3.5);
  await telemetry.close(10);
  const [line = ''] = linesOf(spooled()[0] as string);
  expect(line).toMatch(/^\{"batch_id":"[0-9a-f-]{36}","events":\[/);
  expect(JSON.parse(line)).toMatchObject({
    events: [{ event_type: 'SPOOLED', component: 'line', value: 1.5, metadata: { value: 1.5 } }],
    usage: [{ model: 'm', layer: 'L1', input_tokens: '1', output_tokens: '2', duration_ms: 3.5 }],
  });
  const { baseUrl } = await startService();
  const { body } = await postJson(`${baseUrl}/v1/telemetry/batch`, line);
  expect(body).toMatchObject({ events: 1, usage: 1, rejected: 0, duplicate: false });
});

it('4.6 a batch sent as protobuf and replayed from the file is the same batch', async () => {
  const telemetry = client();
  const odd = ['a\u0000b', 'x\ud800y', '\u{1f600}'];
  for (const [value, component] of odd.entries()) {
    telemetry.log('SAME', { component, value: -value, metadata: { component, deep: [{ value }] } });
  }
  telemetry.logUsage('m', 'L1', 5, 6, 0.1, { costUsd: 1e-9, cachedTokens: 2 });
  await telemetry.flush(10);
  const [name = ''] = spooled();
  const text = readFileSync(join(directory, name), 'utf8');
  const { baseUrl } = await startService();
  log(telemetry, 'wake', [0]);
  await emptied();
  // Delivered from the spool as protobuf; now the same line as JSON, and by the command.
  const { body } = await postJson(`${baseUrl}/v1/telemetry/batch`, text.trim());
  expect(body).toMatchObject({ duplicate: true, events: 3, usage: 1 });
  const file = join(directory, 'kept.txt');
  writeFileSync(file, text);
  const { stdout } = await replay(baseUrl, file);
  expect(stdout).toBe(`${file}:1: ${JSON.parse(text).batch_id} delivered, 4 records\n`);
  expect(await database.count('select count(*) from system_telemetry')).toBe(4);
  expect(await database.count('select count(*) from usage_stats')).toBe(1);
});

it('4.6 replay says what was not delivered, and ends with 1', async () => {
  const file = join(directory, 'replayed.jsonl');
  const good = { batch_id: uuidV7At(Date.now()), events: [{ event_type: 'A' }] };
  writeFileSync(file, `${JSON.stringify(good)}\nnot json\n{"batch_id": "x"}\n`);
  const down = await replay(url, file).catch((error) => error);
  expect(down.code).toBe(1);
  expect(down.stdout).toContain(`${good.batch_id} not delivered: `);
  const { baseUrl } = await startService();
  const { code, stdout } = await replay(baseUrl, file).catch((error) => error);
  expect(code).toBe(1);
  expect(stdout.split('\n')).toEqual([
    `${file}:1: ${good.batch_id} delivered, 1 records`,
    expect.stringMatching(/:2: damaged: /),
    expect.stringMatching(/:3: damaged: /),
    '',
  ]);
  await expect(promisify(execFile)(process.execPath, [cli, 'dance'])).rejects.toMatchObject({
    code: 2,
  });
});

it('4.7 replay splits what is too large, and reads each file whatever became of the one before', async () => {
  const batchId = uuidV7At(Date.now());
  const events = ['A', 'B', 'C'].map((component) => ({ event_type: 'A', component }));
  const file = join(directory, 'large.txt');
  writeFileSync(file, `${JSON.stringify({ batch_id: batchId, events })}\n`);
  // What is in between takes one event at a time, and of these not every one.
  const between = await startScriptedServer([
    (_, batch) => ({
      status: batch.events.length > 1 || batch.events[0]?.component === 'B' ? 413 : 200,
    }),
  ]);
  const missing = join(directory, 'missing.jsonl');
  const { code, stdout } = await replay(between.url, missing, file).catch((error) => error);
  expect(code).toBe(1);
  expect(stdout.split('\n')).toEqual([
    expect.stringContaining(`no such file or directory, open '${missing}'`),
    expect.stringMatching(/^.*large.txt:1: \S+ delivered, 1 records$/),
    expect.stringMatching(/^.*large.txt:1: \S+ not delivered: HTTP 413$/),
    expect.stringMatching(/^.*large.txt:1: \S+ delivered, 1 records$/),
    '',
  ]);
  await between.stop();
});

describe('4.3, 4.4 applications that share a spool', () => {
  it('deliver each event once between them', async () => {
    const applications = [client(), client(), client()];
    for (const [index, telemetry] of applications.entries()) {
      log(telemetry, 'shared', [2 * index, 2 * index + 1]);
    }
    await Promise.all(applications.map((telemetry) => telemetry.flush(10)));
    expect(spooled().length).toBe(3);
    await startService();
    for (const telemetry of applications) log(telemetry, 'shared too', [0]);
    await expectOnce(database, 'shared', upTo(6));
    await emptied();
  });

  it('close what a dead process has left open, and leave what a living one writes', async () => {
    const batch = (value: number) =>
      `${JSON.stringify({ batch_id: uuidV7At(Date.now()), events: [{ event_type: 'A', component: 'orphan', value }] })}\n`;
    const now = uuidV7At(Date.now());
    const old = uuidV7At(Date.now() - 61_000);
    const pidMax = 2 ** 22 + 1;
    writeFileSync(join(directory, `${now}.${hostname()}-${pidMax}.open`), batch(0));
    writeFileSync(join(directory, `${old}.elsewhere-1.open`), batch(1));
    writeFileSync(join(directory, `${now}.elsewhere-1.open`), batch(2));
    writeFileSync(join(directory, `${now}.${hostname()}-${process.ppid}.open`), batch(3));
    await startService();
    log(client(), 'wake', [0]);
    await expectOnce(database, 'orphan', [0, 1]);
    await emptied();
    expect(spooled('.open')).toHaveLength(2);
  });

  it('write a line again that went into a file which somebody else closed', async () => {
    // Nothing closes it for its age meanwhile, however busy the machine is.
    vi.useFakeTimers({ toFake: ['setTimeout'] });
    try {
      const writer = new SpoolWriter(directory, async () => {});
      await writer.append('first\n');
      const [open = ''] = spooled('.open');
      renameSync(join(directory, open), join(directory, `${open.slice(0, 36)}.jsonl`));
      await writer.append('second\n');
      await writer.closeFile();
      expect(spooled().sort().map(linesOf)).toEqual([['first', 'second'], ['second']]);
    } finally {
      vi.useRealTimers();
    }
  });
});

describe('4.5 a spool', () => {
  const line = (batchId: string, component: string) =>
    `${JSON.stringify({ batch_id: batchId, events: [{ event_type: 'A', component, value: 0 }] })}\n`;

  it('loses no more than the damaged line', async () => {
    const name = uuidV7At(Date.now());
    const good = [line(uuidV7At(Date.now()), 'good'), line(uuidV7At(Date.now() + 1), 'good')];
    writeFileSync(join(directory, `${name}.jsonl`), `${good[0]}{"batch_id": "01\n${good[1]}`);
    await startService();
    const telemetry = client();
    log(telemetry, 'wake', [0]);
    await expectOnce(database, 'good', [0, 0]);
    await emptied();
    expect(telemetry.counters().dropped.spool_damaged).toBe(1);
    expect(readFileSync(join(directory, `${name}.damaged`), 'utf8')).toBe('{"batch_id": "01\n');
  });

  it('drops what is older than the service remembers', async () => {
    const old = uuidV7At(Date.now() - 8 * 86_400_000);
    writeFileSync(join(directory, `${old}.jsonl`), line(old, 'old'));
    await startService();
    const telemetry = client();
    log(telemetry, 'wake', [0]);
    await emptied();
    expect(telemetry.counters().dropped.spool_expired).toBe(1);
    await telemetry.flush();
    expect(
      await database.count(`select count(*) from system_telemetry where component = 'old'`),
    ).toBe(0);
  });

  it('drops its oldest file when it exceeds its bound', async () => {
    const telemetry = client({ spoolBytesMax: 64 * 1024 });
    for (const value of upTo(4)) {
      telemetry.log('BOUND', { component: 'bound', value, metadata: { text: 'x'.repeat(29_000) } });
      await telemetry.flush(10);
    }
    expect(telemetry.counters()).toMatchObject({ spooled: 4, dropped: { spool_full: 2 } });
    const kept = spooled()
      .toSorted()
      .flatMap(linesOf)
      .map((each) => JSON.parse(each).events[0].value);
    expect(kept).toEqual([2, 3]);
  });

  it('that takes nothing costs what was to go there, and nothing else', async () => {
    const file = join(directory, 'a-file');
    writeFileSync(file, '');
    const telemetry = client({ spoolDirectory: join(file, 'below') });
    log(telemetry, 'nowhere', upTo(5));
    expect(await telemetry.flush(10)).toMatchObject({ complete: false });
    expect(telemetry.counters()).toMatchObject({ taken: 5, dropped: { spool_failed: 5 } });
    await startService();
    await expect
      .poll(async () => {
        log(telemetry, 'after', [0]);
        await telemetry.flush(10);
        return telemetry.counters().delivered;
      })
      .toBeGreaterThan(0);
  });
});

const cli = new URL('../dist/cli.js', import.meta.url).pathname;
const replay = (to: string, ...files: string[]) =>
  promisify(execFile)(process.execPath, [cli, 'replay', '--url', to, ...files]);
