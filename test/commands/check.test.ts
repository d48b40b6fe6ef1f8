import { once } from 'node:events';
import { chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Environment } from '../../src/config.ts';
import { runCommand } from '../support/command.ts';
import { createDatabase, type TestDatabase } from '../support/database.ts';
import { freePort } from '../support/free-port.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';

const directory = temporaryDirectory();
let database: TestDatabase;
beforeAll(async () => {
  database = await createDatabase();
});
afterAll(async () => {
  await database.drop();
  directory.remove();
});

/** Somebody may have a collector at the usual port. */
const own = {
  TELEMETRY_DATA_DIR: join(directory.path, 'data'),
  TELEMETRY_PORT: String(await freePort()),
};

async function json(args: string[], env: Environment) {
  const { code, stdout, stderr } = await runCommand([...args, '--json'], { ...own, ...env });
  expect(stderr).toBe('');
  return { code, found: JSON.parse(stdout) };
}

describe('check', { timeout: 120_000 }, () => {
  const check = async (env: Environment) => {
    const { code, found } = await json(['check'], env);
    return { code, ok: found.ok, findings: found.findings };
  };
  const finding = (subject: string, state: string, detail: string) =>
    expect.objectContaining({ subject, state, detail: expect.stringContaining(detail) });

  it('finds nothing wrong where nothing is, with a database or without one', async () => {
    const good = await check({ DATABASE_URL: database.url });
    expect(good).toMatchObject({ code: 0, ok: true });
    const subjects = good.findings.map(({ subject }: { subject: string }) => subject);
    expect(subjects).toEqual(
      'configuration memory disk certificate prices database privileges clock key'.split(' '),
    );
    const fresh = await check({ DATABASE_URL: '' });
    expect(fresh).toMatchObject({ code: 0, ok: true });
    expect(fresh.findings).toContainEqual(finding('database', 'ok', 'will be created'));
  });

  it('says all that is wrong with the options at once, and no secret', async () => {
    const { code, findings } = await check({
      DATABASE_URL: 'mysql://somebody:s3cret@db',
      TELEMETRY_PORT: 'http',
      TELEMETRY_PROT: '1',
      OTEL_TRACES_EXPORTER: 'zipkin',
    });
    expect(code).toBe(1);
    expect(findings).toEqual([
      finding('configuration', 'warning', 'TELEMETRY_PROT is no option'),
      finding('configuration', 'failed', 'TELEMETRY_PORT: "http" is not valid'),
      finding('configuration', 'failed', 'DATABASE_URL: its value is not valid'),
      finding('configuration', 'failed', 'OTEL_TRACES_EXPORTER: "zipkin" is not valid'),
    ]);
    expect(JSON.stringify(findings)).not.toContain('s3cret');
  });

  it('looks at everything that a start would stumble over', async () => {
    const { code, findings } = await check({
      DATABASE_URL: 'postgresql://nobody@127.0.0.1:1/telemetry',
      TELEMETRY_HOST: '0.0.0.0',
      TELEMETRY_MEMORY_BYTES_MAX: '100000000',
      TELEMETRY_DISK_RESERVE_BYTES: '1099511627776',
      TELEMETRY_PRICES_FILE: '/nowhere/prices.json',
      TELEMETRY_TLS_CERT_FILE: '/nowhere/tls.crt',
    });
    expect(code).toBe(1);
    expect(findings).toEqual(
      expect.arrayContaining([
        finding('memory', 'failed', 'are too little: at least 160 MiB'),
        finding('disk', 'failed', 'TELEMETRY_DISK_RESERVE_BYTES'),
        finding('certificate', 'failed', 'TELEMETRY_TLS_KEY_FILE is needed'),
        finding('prices', 'failed', 'TELEMETRY_PRICES_FILE'),
        finding('database', 'failed', 'ECONNREFUSED'),
        finding('key', 'failed', 'there is no key'),
      ]),
    );
  });

  it('knows what a role may not do', async () => {
    await database.rows('create role check_only login');
    await database.rows('revoke create on schema public from public');
    const url = new URL(database.url);
    url.username = 'check_only';
    const { code, findings } = await check({ DATABASE_URL: url.href });
    expect(code).toBe(1);
    expect(findings).toContainEqual(
      finding('privileges', 'failed', 'check_only may not read and write'),
    );
    await database.rows('drop role check_only');
  });

  it('knows what a role may not do with any of the tables', async () => {
    await database.rows('create role check_most login');
    const all = 'on all tables in schema public';
    await database.rows(`grant select, insert, update, delete ${all} to check_most`);
    const url = new URL(database.url);
    url.username = 'check_most';
    const own = { DATABASE_URL: url.href };
    const well = finding('privileges', 'ok', 'creates nothing: run migrate as the owner');
    expect((await check(own)).findings).toContainEqual(well);
    await database.rows('revoke update on usage_stats, rollup_state from check_most');
    expect((await check(own)).findings).toContainEqual(
      finding('privileges', 'failed', 'may not read and write rollup_state, usage_stats: grant'),
    );
    await database.rows('grant update on usage_stats, rollup_state to check_most');
    const { rows } = await database.pool.query(
      `delete from telemetry_schema where name > '0012' returning name, release`,
    );
    expect((await check(own)).findings).toContainEqual(
      finding('privileges', 'failed', 'may not bring the tables up to date'),
    );
    for (const { name, release } of rows) {
      await database.rows(`insert into telemetry_schema values ('${name}', ${release})`);
    }
    await database.rows(`revoke all ${all} from check_most`);
    await database.rows('drop role check_most');
  });

  it('says what else a start would stumble over', async () => {
    const data = join(directory.path, 'older');
    mkdirSync(join(data, 'postgresql-9'), { recursive: true });
    const level = join(directory.path, 'level');
    writeFileSync(level, 'loud');
    const taken = createServer().listen(0, '127.0.0.1');
    await once(taken, 'listening');
    const { port } = taken.address() as AddressInfo;
    const env = { DATABASE_URL: '', TELEMETRY_DATA_DIR: data, TELEMETRY_LOG_LEVEL_FILE: level };
    const { code, findings } = await check({ ...env, TELEMETRY_PORT: String(port) });
    taken.close();
    expect(code).toBe(1);
    expect(findings).toEqual(
      expect.arrayContaining([
        finding('configuration', 'failed', 'TELEMETRY_LOG_LEVEL_FILE'),
        finding('address', 'warning', 'EADDRINUSE'),
        finding('database', 'failed', 'holds postgresql-9'),
      ]),
    );
    const nowhere = await check({ DATABASE_URL: '', TELEMETRY_HOST: '192.0.2.1' });
    expect(nowhere.findings).toContainEqual(finding('address', 'failed', 'EADDRNOTAVAIL'));
  });

  it('is a table for people', async () => {
    const { code, stdout } = await runCommand(['check'], { ...own, DATABASE_URL: database.url });
    expect([code, stdout]).toEqual([0, expect.stringContaining('it can be started')]);
    expect(stdout).toMatch(/│ 'disk' +│ 'ok'/);
  });
});

describe('config show', { timeout: 60_000 }, () => {
  it('says where each value is from, and hides secrets', async () => {
    const file = join(directory.path, 'url');
    writeFileSync(file, `${database.url}\n`);
    chmodSync(file, 0o600);
    const { code, found } = await json(['config', 'show', '--writers', '3'], {
      DATABASE_URL_FILE: file,
      TELEMETRY_PORT: '81',
    });
    expect(code).toBe(0);
    const of = (name: string) =>
      found.settings.find((setting: { name: string }) => setting.name === name);
    expect(of('writers')).toMatchObject({ value: 3, origin: '--writers' });
    expect(of('port')).toMatchObject({ value: 81, origin: 'TELEMETRY_PORT' });
    expect(of('host')).toMatchObject({ value: '127.0.0.1', origin: 'default' });
    expect(of('logLevel')).toMatchObject({ value: 'info', origin: 'default' });
    const origin = `DATABASE_URL_FILE (${file})`;
    expect(of('databaseUrl')).toEqual(
      expect.objectContaining({ value: '(secret)', origin, variable: 'DATABASE_URL' }),
    );
  });

  it('has the level of the file that goes before it', async () => {
    const file = join(directory.path, 'shown-level');
    writeFileSync(file, 'debug\n');
    const { found } = await json(['config', 'show'], { TELEMETRY_LOG_LEVEL_FILE: file });
    expect(found.settings).toContainEqual({
      name: 'logLevel',
      variable: 'TELEMETRY_LOG_LEVEL',
      value: 'debug',
      origin: `TELEMETRY_LOG_LEVEL_FILE (${file})`,
    });
  });

  it('secrets by file and by value at the same time are a mistake', async () => {
    const both = { DATABASE_URL: database.url, DATABASE_URL_FILE: '/dev/null' };
    const { code, stderr } = await runCommand(['config', 'show'], { ...own, ...both });
    expect([code, stderr]).toEqual([
      1,
      'DATABASE_URL_FILE: DATABASE_URL is set too: which is it?\n',
    ]);
  });
});

describe('--json', { timeout: 120_000 }, () => {
  it.each([
    [['legacy', 'status'], { adoptions: expect.any(Array), notes: expect.any(Array) }],
    [['dead-letters', 'list'], { dead_letters: [], total: 0 }],
    [['spool', 'status', '/tmp'], { segments: 0, records: 0 }],
    [['rollups', 'verify'], { differences: [] }],
    [['keys', 'list'], { keys: [] }],
    [['audit', 'list'], { entries: [] }],
    [['sql', 'select 1 as one'], { rows: [{ one: 1 }], row_count: 1 }],
    [['migrate'], { schema: 'up to date' }],
  ])('%s', async (args, expected) => {
    const env = { ...own, DATABASE_URL: database.url, TELEMETRY_LOG_LEVEL: 'fatal' };
    const { code, found } = await json(args, env);
    expect(code).toBe(0);
    expect(found).toMatchObject(expected);
  });
});
