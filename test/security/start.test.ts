import { mkdirSync, readFileSync, renameSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Collector } from '../../src/collector.ts';
import { StartError } from '../../src/errors.ts';
import { startCollector } from '../support/collector.ts';
import { runCommand } from '../support/command.ts';
import { testConfig } from '../support/config.ts';
import { createDatabase, type TestDatabase } from '../support/database.ts';
import { silentLogger } from '../support/logger.ts';
import { spawnCollector } from '../support/process.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';
import { keyAdmin } from './callers.ts';

let database: TestDatabase;
beforeAll(async () => {
  database = await createDatabase();
});
afterAll(() => database.drop());

const secret = 'a-secret-of-the-operators-own';
const post = async (baseUrl: string, headers: Record<string, string> = {}) => {
  const response = await fetch(`${baseUrl}/v1/telemetry/log`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: '{"event_type":"GIVEN"}',
  });
  return { status: response.status, text: await response.text() };
};
const bearer = (token: string) => ({ authorization: `Bearer ${token}` });

describe('a collector that other machines can reach', () => {
  it.each(['0.0.0.0', '::', '::ffff:0.0.0.0'])(
    'does not start on %s without a key',
    async (host) => {
      const config = testConfig({ DATABASE_URL: database.url, TELEMETRY_HOST: host });
      const started = Collector.start(config, silentLogger);
      await expect(started).rejects.toThrow(StartError);
      await expect(started).rejects.toThrow(/no key.*keys create.*TELEMETRY_ANONYMOUS_SCOPES/);
    },
  );

  it('ends in one sentence, before an embedded server is made', async () => {
    const directory = join(temporaryDirectory().path, 'data');
    const ended = await runCommand([], {
      TELEMETRY_HOST: '0.0.0.0',
      TELEMETRY_PORT: '0',
      TELEMETRY_DATA_DIR: directory,
    });
    expect(ended.code).toBe(1);
    const lines = ended.stderr.trim().split('\n');
    expect(JSON.parse(lines.at(-1) ?? '')).toMatchObject({
      level: 60,
      msg: expect.stringContaining('TELEMETRY_ANONYMOUS_SCOPES'),
    });
    expect(() => statSync(join(directory, 'postgresql-18'))).toThrow();
  });

  it('starts with a key of the environment, of a file, or of the database', async () => {
    const own = await createDatabase();
    const open = { TELEMETRY_HOST: '0.0.0.0' };
    const file = join(temporaryDirectory().path, 'keys');
    writeFileSync(file, `# ours\napp ingest ${secret}\n`);
    for (const more of [
      { TELEMETRY_API_KEYS: `app ingest ${secret}` },
      { TELEMETRY_API_KEYS_FILE: file },
    ]) {
      const telemetry = await startCollector({ ...open, ...more }, own);
      expect((await post(telemetry.baseUrl)).status).toBe(401);
      expect((await post(telemetry.baseUrl, bearer(secret))).status).toBe(200);
      await telemetry.stop();
    }
    await keyAdmin(own).create({ name: 'a test' }, { name: 'app', scopes: ['ingest'] });
    const telemetry = await startCollector(open, own);
    expect((await post(telemetry.baseUrl)).status).toBe(401);
    await telemetry.stop();
    await own.drop();
  });

  it('starts where it is said what everybody may do', async () => {
    const open = { TELEMETRY_HOST: '0.0.0.0', TELEMETRY_ANONYMOUS_SCOPES: 'ingest,query' };
    const telemetry = await startCollector(open, database);
    const admin = `${telemetry.baseUrl}/gravitas.telemetry.v1.DeadLetterService/ListDeadLetters`;
    expect((await post(telemetry.baseUrl)).status).toBe(200);
    expect((await fetch(`${telemetry.baseUrl}/v1/telemetry/events`)).status).toBe(200);
    expect((await fetch(`${admin}?encoding=json&message=%7B%7D`)).status).toBe(401);
    // Whoever says who he is, is held to that.
    expect((await post(telemetry.baseUrl, bearer('wrong'))).status).toBe(401);
    await telemetry.stop();
  });
});

describe('keys of a file', () => {
  it('are read again when it changes, and kept when it can not be read', async () => {
    const directory = temporaryDirectory().path;
    const file = join(directory, 'keys');
    const write = (text: string) => {
      writeFileSync(`${file}.new`, text);
      renameSync(`${file}.new`, file);
    };
    write(`app ingest ${secret}`);
    const telemetry = await startCollector({ TELEMETRY_API_KEYS_FILE: file }, database);
    const status = async (token: string) => (await post(telemetry.baseUrl, bearer(token))).status;
    expect(await status(secret)).toBe(200);
    write(`app ingest ${secret}-2`);
    await expect.poll(() => status(`${secret}-2`), { timeout: 5000 }).toBe(200);
    expect(await status(secret)).toBe(401);
    write('app');
    await new Promise((resolve) => setTimeout(resolve, 1500));
    expect(await status(`${secret}-2`)).toBe(200);
    await telemetry.stop();
  });

  it.each([
    ['app', /key 1: secret expects at least 20/],
    [`app,b ingest ${secret}`, /key 1: name expects/],
    [`app ingest ${secret};x read ${secret}`, /key 2: scopes have "read"/],
    [`app ingest short`, /key 1: secret expects/],
    [`app ingest ${secret} expires=yesterday`, /key 1: expires expects/],
    [`app ingest ${secret} expires=999999999999d`, /key 1: expires expects/],
    [`app ingest ${secret} buffer_share=2`, /key 1: buffer_share expects/],
    [`app ingest ${secret};b query ${secret}`, /key 2: secret is that of another key/],
    [`app ingest ${secret} colour=red`, /key 1: options have "colour"/],
  ])('%s is refused with what is wrong, and without the secret', (text, reason) => {
    const directory = temporaryDirectory().path;
    mkdirSync(directory, { recursive: true });
    const file = join(directory, 'keys');
    writeFileSync(file, text);
    const config = testConfig({ DATABASE_URL: database.url, TELEMETRY_API_KEYS_FILE: file });
    return Collector.start(config, silentLogger).then(
      () => expect.unreachable(),
      (error) => {
        expect(error).toBeInstanceOf(StartError);
        expect(error.message).toMatch(reason);
        expect(error.message).not.toContain(secret);
      },
    );
  });
});

it('no secret is in logs, errors, metrics, the copy on disk or the configuration', async () => {
  const own = await createDatabase();
  const { secret: ofDatabase } = await keyAdmin(own).create(
    { name: 'a test' },
    { name: 'app', scopes: ['ingest'] },
  );
  const wrong = `${ofDatabase.slice(0, -4)}oops`;
  const collector = await spawnCollector({
    DATABASE_URL: own.url,
    TELEMETRY_LOG_LEVEL: 'trace',
    TELEMETRY_API_KEYS: `given ingest,query,admin ${secret}`,
  });
  const texts: string[] = [];
  const secrets = [secret, ofDatabase, wrong];
  for (const token of secrets) {
    for (const headers of [bearer(token), { 'x-api-key': token }, { authorization: token }]) {
      const init = { method: 'POST', headers: { 'content-type': 'application/json', ...headers } };
      for (const path of [
        '/v1/telemetry/log',
        '/gravitas.telemetry.v1.KeyService/ListKeys',
        '/gravitas.telemetry.v1.KeyService/RevokeKey',
        '/gravitas.telemetry.v1.AuditService/ListAuditEntries',
        '/v1/telemetry/stats',
      ]) {
        const body = path.endsWith('log') ? '{' : '{}';
        const response = await fetch(`${collector.baseUrl}${path}`, { ...init, body });
        texts.push(JSON.stringify([...response.headers]), await response.text());
      }
    }
  }
  texts.push(await (await fetch(`${collector.baseUrl}/metrics`)).text());
  await collector.end('SIGTERM');
  const copy = join(collector.dataDirectory, 'keys.json');
  expect(statSync(copy).mode & 0o777).toBe(0o600);
  texts.push(readFileSync(copy, 'utf8'), ...collector.logs);
  const all = texts.join('\n');
  expect(all).toContain('a key is refused');
  for (const token of secrets) expect(all.includes(token.slice(-20))).toBe(false);
  await own.drop();
});
