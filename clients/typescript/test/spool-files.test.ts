import {
  existsSync,
  linkSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { uuidV7At } from '../../../test/support/ids.ts';
import { canMount, SmallDisk } from '../../../test/support/small-disk.ts';
import { temporaryDirectory } from '../../../test/support/temporary-directory.ts';
import { Telemetry, type TelemetryOptions } from '../src/index.ts';
import { placeToWrite } from '../src/node/spool-place.ts';
import { type ScriptedServer, startScriptedServer } from './support/servers.ts';

/** Clauses 4.2, 4.5 and 4.6: what a spool may touch, and what it may not. */
let directory: string;
let server: ScriptedServer;
const clients: Telemetry[] = [];
beforeEach(async () => {
  directory = temporaryDirectory().path;
  server = await startScriptedServer([{ status: 200 }]);
});
afterEach(async () => {
  for (const telemetry of clients.splice(0)) await telemetry.close();
  await server.stop();
});

const silent = { info: () => {}, warn: () => {} };
function client(options: TelemetryOptions = {}): Telemetry {
  const telemetry = new Telemetry({
    url: server.url,
    spoolDirectory: directory,
    logger: silent,
    ...options,
  });
  clients.push(telemetry);
  return telemetry;
}
const unreachable = 'http://127.0.0.1:9';
const old = Date.now() - 3_600_000;
const line = (component: string) =>
  `{"batch_id":"${uuidV7At(Date.now())}","events":[{"event_type":"A","component":"${component}"}]}\n`;
const components = () =>
  server.batches.flatMap(({ events }) => events.map(({ component }) => component));
const inDirectory = (name: string) => join(directory, name);

/** Delivers all that the spool has, one file of our own last. */
async function deliverAll(): Promise<void> {
  writeFileSync(inDirectory(`${uuidV7At(Date.now() + 5000)}.jsonl`), line('the last'));
  client().log('WAKE', { component: 'wake' });
  await expect.poll(components, { timeout: 10_000 }).toContain('the last');
}

describe('4.6 a spool leaves alone', () => {
  const foreign = '{"prompt":"x"}\n';
  const ids = Array.from({ length: 12 }, (_, at) => uuidV7At(old + at));
  const files: Record<string, string> = {
    'train.jsonl': foreign,
    'notes.open': foreign,
    'app.db-1.open': foreign,
    'backup.damaged': foreign,
    'ours-by-content.jsonl': line('a copy'),
    [`copy-${ids[0]}.jsonl`]: line('a copy'),
    [`${ids[0]}.jsonl.bak`]: line('a copy'),
    [`${ids[1]}.jsonl`]: foreign,
    [`${ids[2]}.elsewhere-1.open`]: foreign,
    [`${ids[3]}.damaged`]: foreign,
    [`${ids[4]}.refused`]: foreign,
    [`${ids[5]}.jsonl`]: '',
    [`${ids[6]}.open`]: line('no host'),
    [`${ids[7]}.host-1.jsonl`]: line('a host'),
    [`${'0'.repeat(8)}-0000-4000-8000-${'0'.repeat(12)}.jsonl`]: line('a version 4'),
  };

  it('whatever is not its own, by name and by content, when it delivers and when it is full', async () => {
    for (const [name, content] of Object.entries(files)) {
      writeFileSync(inDirectory(name), content);
    }
    writeFileSync(inDirectory('app.db'), '');
    truncateSync(inDirectory('app.db'), 120 * 1024 * 1024);
    writeFileSync(inDirectory(`${ids[8]}.jsonl`), '');
    truncateSync(inDirectory(`${ids[8]}.jsonl`), 120 * 1024 * 1024);
    mkdirSync(inDirectory(`${ids[9]}.jsonl`));
    const before = readdirSync(directory).toSorted();
    await deliverAll();
    const full = client({ url: unreachable, spoolBytesMax: 64 * 1024 });
    const metadata = { text: 'x'.repeat(50_000) };
    for (let count = 0; count < 3; count += 1) {
      full.log('FULL', { component: 'full', metadata });
      await full.flush(10);
    }
    expect(full.counters()).toMatchObject({ spooled: 3, dropped: { spool_full: 2 } });
    expect(readdirSync(directory)).toEqual(expect.arrayContaining(before));
    for (const [name, content] of Object.entries(files)) {
      expect(readFileSync(inDirectory(name), 'utf8'), name).toBe(content);
    }
    expect(statSync(inDirectory('app.db')).size).toBe(120 * 1024 * 1024);
    expect(components().filter((each) => !['wake', 'the last'].includes(each))).toEqual([]);
  });

  it('links of both kinds', async () => {
    const outside = temporaryDirectory().path;
    writeFileSync(join(outside, 'ours.jsonl'), line('linked'));
    symlinkSync(join(outside, 'ours.jsonl'), inDirectory(`${ids[0]}.jsonl`));
    linkSync(join(outside, 'ours.jsonl'), inDirectory(`${ids[1]}.jsonl`));
    symlinkSync(join(outside, 'ours.jsonl'), inDirectory(`${ids[2]}.elsewhere-1.open`));
    await deliverAll();
    expect(components()).not.toContain('linked');
    expect(lstatSync(inDirectory(`${ids[0]}.jsonl`)).isSymbolicLink()).toBe(true);
    expect(lstatSync(inDirectory(`${ids[1]}.jsonl`)).nlink).toBe(2);
    expect(lstatSync(inDirectory(`${ids[2]}.elsewhere-1.open`)).isSymbolicLink()).toBe(true);
  });

  it('what already has the name that an orphan would get', async () => {
    writeFileSync(inDirectory(`${ids[0]}.elsewhere-1.open`), line('an orphan'));
    writeFileSync(inDirectory(`${ids[0]}.jsonl`), foreign);
    await deliverAll();
    expect(readFileSync(inDirectory(`${ids[0]}.jsonl`), 'utf8')).toBe(foreign);
  });

  it.runIf(process.getuid?.() === 0)('files and directories of other users', async () => {
    const { chownSync, chmodSync } = await import('node:fs');
    writeFileSync(inDirectory(`${ids[0]}.jsonl`), line('of another'));
    chownSync(inDirectory(`${ids[0]}.jsonl`), 1234, 1234);
    await deliverAll();
    expect(components()).not.toContain('of another');
    const theirs = join(temporaryDirectory().path, 'theirs');
    mkdirSync(theirs);
    chmodSync(theirs, 0o777);
    chownSync(theirs, 1234, 1234);
    const telemetry = client({ url: unreachable, spoolDirectory: theirs });
    telemetry.log('NOT_THERE');
    expect(await telemetry.flush(10)).toMatchObject({ complete: false, dropped: 1 });
    expect(telemetry.counters().dropped.spool_failed).toBe(1);
    expect(readdirSync(theirs)).toEqual([]);
  });
});

it('4.2 the directory and its files are for their user alone', async () => {
  const spoolDirectory = join(directory, 'new', 'spool');
  const telemetry = client({ url: unreachable, spoolDirectory });
  telemetry.log('PRIVATE');
  await telemetry.flush(10);
  const [name = ''] = readdirSync(spoolDirectory);
  expect(statSync(spoolDirectory).mode & 0o777).toBe(0o700);
  expect(statSync(join(spoolDirectory, name)).mode & 0o777).toBe(0o600);
});

it('7 what is relative, or nowhere, is no place for a spool', async () => {
  const temporary = temporaryDirectory().path;
  vi.stubEnv('TMPDIR', temporary);
  vi.stubEnv('XDG_STATE_HOME', 'state');
  vi.stubEnv('HOME', '');
  const place = await placeToWrite(undefined).finally(() => vi.unstubAllEnvs());
  expect(place).toMatch(new RegExp(`^${temporary}/gravitas-telemetry-\\w+$`));
  expect(existsSync('state')).toBe(false);
});

it('1.1 makes no directory before something is spooled', async () => {
  const spoolDirectory = join(directory, 'not', 'made');
  for (const options of [{ enabled: false }, { fallback: 'none' as const, url: unreachable }, {}]) {
    const telemetry = client({ spoolDirectory, ...options });
    telemetry.log('NOTHING');
    await telemetry.flush(10);
    await telemetry.close();
  }
  expect(readdirSync(directory)).toEqual([]);
});

it('4.3 what a dead process has left without a line is removed', async () => {
  writeFileSync(inDirectory(`${uuidV7At(old)}.elsewhere-1.open`), '');
  await deliverAll();
  await expect.poll(() => readdirSync(directory)).toEqual([]);
});

it('2.1 no line is longer than the service takes, however its texts are escaped', async () => {
  const telemetry = client({ url: unreachable });
  const text = '\u0000'.repeat(9000);
  for (let count = 0; count < 100; count += 1) telemetry.log('ESCAPED', { metadata: { text } });
  expect(await telemetry.flush(20)).toMatchObject({ complete: true, spooled: 100 });
  const lines = readdirSync(directory).flatMap((name) =>
    readFileSync(inDirectory(name), 'utf8').trimEnd().split('\n'),
  );
  expect(Math.max(...lines.map((each) => each.length))).toBeLessThan(1.75 * 1024 * 1024);
  expect(Math.max(...lines.map((each) => each.length))).toBeGreaterThan(1024 * 1024);
});

it('4.5 a torn line is counted once, whoever meets it', async () => {
  const id = uuidV7At(old);
  writeFileSync(inDirectory(`${id}.elsewhere-1.open`), `${line('whole')}{"batch_id":"01`);
  // None of these delivers the first line, so none gets past the torn one.
  for (let count = 0; count < 2; count += 1) {
    const telemetry = client({ url: unreachable });
    telemetry.log('A');
    await telemetry.flush(10);
    await telemetry.close();
    expect(telemetry.counters().dropped.spool_damaged).toBe(0);
  }
  await deliverAll();
  await expect.poll(() => readdirSync(directory)).toEqual([`${id}.damaged`]);
  expect(readFileSync(inDirectory(`${id}.damaged`), 'utf8')).toBe('{"batch_id":"01\n');
  const counted = clients.map((telemetry) => telemetry.counters().dropped.spool_damaged);
  expect(counted.reduce((sum, count) => sum + count)).toBe(1);
});

it('4.5 what was set aside is removed when it is old', async () => {
  const ancient = Date.now() - 8 * 86_400_000;
  writeFileSync(inDirectory(`${uuidV7At(ancient)}.refused`), line('refused'));
  writeFileSync(
    inDirectory(`${uuidV7At(ancient)}.damaged`),
    `garbage\n${line('x').slice(0, 70)}\n`,
  );
  writeFileSync(inDirectory(`${uuidV7At(old)}.refused`), line('refused'));
  await deliverAll();
  await expect.poll(() => readdirSync(directory)).toHaveLength(1);
});

it.runIf(canMount)('4.3 nothing piles up on a disk that stays full', async () => {
  const disk = new SmallDisk(join(directory, 'disk'), 1);
  const telemetry = client({ url: unreachable, spoolDirectory: join(disk.path, 'spool') });
  telemetry.log('FITS');
  await telemetry.flush(10);
  disk.fill();
  for (let count = 0; count < 5; count += 1) {
    telemetry.log('LOST', { metadata: { text: 'x'.repeat(20_000) } });
    expect(await telemetry.flush(10)).toMatchObject({ complete: false, dropped: 1 });
  }
  expect(readdirSync(join(disk.path, 'spool'))).toHaveLength(1);
  disk.free();
  telemetry.log('FITS');
  expect(await telemetry.flush(10)).toMatchObject({ complete: true, spooled: 1 });
  expect(telemetry.counters()).toMatchObject({ spooled: 2, dropped: { spool_failed: 5 } });
  await telemetry.close();
  disk.unmount();
});
