import { spawn } from 'node:child_process';
import { readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it, onTestFinished } from 'vitest';
import { createDatabase, type TestDatabase } from '../support/database.ts';
import { type CollectorProcess, spawnCollector } from '../support/process.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';

const mainFile = new URL('../../src/main.ts', import.meta.url).pathname;
const directory = temporaryDirectory();
const [levelFile, keysFile, pricesFile] = ['level', 'keys', 'prices.json'].map((name) =>
  join(directory.path, name),
) as [string, string, string];
const secrets = { first: 'first-0123456789abcdef', second: 'second-0123456789abcdef' };
let database: TestDatabase;
let collector: CollectorProcess;
beforeAll(async () => {
  database = await createDatabase();
  writeFileSync(levelFile, 'info\n');
  writeKeys(`one query ${secrets.first}`);
  writeFileSync(pricesFile, '{"prices":[]}');
  collector = await spawnCollector({
    DATABASE_URL: database.url,
    TELEMETRY_LOG_LEVEL_FILE: levelFile,
    TELEMETRY_API_KEYS_FILE: keysFile,
    TELEMETRY_PRICES_FILE: pricesFile,
  });
});
afterAll(async () => {
  await collector.end('SIGTERM');
  await database.drop();
  directory.remove();
});

/** At once: a file that is half written has fewer keys. */
const writeKeys = (...lines: string[]) => {
  writeFileSync(`${keysFile}.new`, lines.join('\n'));
  renameSync(`${keysFile}.new`, keysFile);
};
const answers = async (secret: string) => {
  const headers = { authorization: `Bearer ${secret}` };
  return (await fetch(`${collector.baseUrl}/v1/telemetry/events?limit=1`, { headers })).status;
};
const reread = 'are read again';
const said = (text: string) => collector.logs.filter((line) => line.includes(text)).length;

it('a hangup has keys, prices and the log level read again, and ends nothing', async () => {
  expect([await answers(secrets.first), await answers(secrets.second)]).toEqual([200, 401]);
  writeKeys(`one query ${secrets.first}`, `two query ${secrets.second}`);
  writeFileSync(pricesFile, '{"prices": []}');
  writeFileSync(levelFile, 'debug\n');
  collector.process.kill('SIGHUP');
  await expect.poll(() => said(reread)).toBe(1);
  expect(await answers(secrets.second)).toBe(200);
  expect(said('"own prices read again"')).toBe(1);
  writeFileSync(levelFile, 'loud\n');
  collector.process.kill('SIGHUP');
  await expect.poll(() => said(reread)).toBe(2);
  expect(said('expects one of trace, debug')).toBe(1);
});

it('a level that is higher is in effect at once', async () => {
  writeFileSync(levelFile, 'error\n');
  collector.process.kill('SIGHUP');
  // The reload before the last is done when the last one is.
  writeKeys(`one query ${secrets.first}`);
  await expect.poll(() => answers(secrets.second)).toBe(401);
  expect(said(reread)).toBe(2);
});

it('a hangup ends nothing from the first moment on', async () => {
  // Each bit is a signal that is caught: the second of these is caught after the first.
  const [hangup, second] = [1n << 0n, 1n << 11n];
  const own = { DATABASE_URL: 'postgresql://127.0.0.1:1/telemetry', TELEMETRY_PORT: '0' };
  const data = join(directory.path, 'hung-up');
  const child = spawn(process.execPath, [mainFile, 'serve', '--data-dir', data], {
    env: { ...process.env, ...own },
    stdio: 'ignore',
  });
  onTestFinished(() => void child.kill('SIGKILL'));
  const caught = () => {
    const status = readFileSync(`/proc/${child.pid}/status`, 'utf8');
    return BigInt(`0x${/SigCgt:\s+(\w+)/.exec(status)?.[1]}`);
  };
  await expect.poll(() => caught() & second, { interval: 1, timeout: 30_000 }).toBe(second);
  expect(caught() & hangup).toBe(hangup);
});

it('signals for developers open no debugger, and end nothing', async () => {
  collector.process.kill('SIGUSR1');
  collector.process.kill('SIGUSR2');
  // Whatever they do, they do before the next answer.
  expect(await answers(secrets.first)).toBe(200);
  expect(said('Debugger')).toBe(0);
  expect(collector.process.exitCode ?? collector.process.signalCode).toBeNull();
});
