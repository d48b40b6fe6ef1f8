import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, existsSync, mkdirSync, readdirSync, symlinkSync, writeFileSync } from 'node:fs';
import net from 'node:net';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createDatabase } from '../support/database.ts';
import { freePort } from '../support/free-port.ts';
import { spawnCollector } from '../support/process.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';

const root = new URL('../..', import.meta.url).pathname;

let directory: ReturnType<typeof temporaryDirectory>;
beforeEach(() => {
  directory = temporaryDirectory();
});
afterEach(() => directory.remove());

const dataDirectory = () => join(directory.path, 'data');

interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

async function run(program: string, args: string[], env: Record<string, string>): Promise<Ended> {
  const child = spawn(program, args, {
    cwd: root,
    env: { ...process.env, DATABASE_URL: '', TELEMETRY_DATA_DIR: dataDirectory(), ...env },
  });
  const output = { stdout: '', stderr: '' };
  for (const stream of ['stdout', 'stderr'] as const) {
    child[stream].setEncoding('utf8').on('data', (text: string) => {
      output[stream] += text;
    });
  }
  const [code] = await once(child, 'close');
  return { code, ...output };
}

const launcher = join(root, 'bin/gravitas-telemetry');
const serve = (env: Record<string, string>) => run(launcher, [], env);
/** Of the last line of the log. */
const lastWords = ({ stderr }: Ended) => JSON.parse(stderr.trim().split('\n').at(-1) as string);

describe('a start that ends because of the machine', () => {
  it('says that the port is in use, before a database is created', async () => {
    const other = net.createServer().listen(0, '127.0.0.1');
    await once(other, 'listening');
    const { port } = other.address() as net.AddressInfo;
    const ended = await serve({ TELEMETRY_PORT: String(port) });
    expect(ended.code).toBe(1);
    const message = expect.stringMatching(/^TELEMETRY_HOST, TELEMETRY_PORT: .*EADDRINUSE/);
    expect(lastWords(ended)).toMatchObject({ level: 60, msg: message });
    expect(ended.stderr).not.toMatch(/ at .*\.ts/);
    expect(readdirSync(dataDirectory()).filter((name) => name.startsWith('postgresql'))).toEqual(
      [],
    );
    other.close();
  });

  it('says that its address is not one of this machine', async () => {
    const ended = await serve({ TELEMETRY_HOST: '192.0.2.1' });
    expect(lastWords(ended)).toMatchObject({
      msg: expect.stringMatching(/TELEMETRY_HOST.*192\.0\.2\.1/),
    });
  });

  it('says that the directory is not one, or may not be written', async () => {
    writeFileSync(dataDirectory(), '');
    const ended = await serve({});
    expect(ended.code).toBe(1);
    expect(lastWords(ended).msg).toMatch(/^TELEMETRY_DATA_DIR: .*(ENOTDIR|EEXIST)/);
    expect(ended.stderr).not.toMatch(/ at .*\.ts/);
    const pretty = await serve({ TELEMETRY_LOG_FORMAT: 'pretty' });
    expect(pretty.stderr).toMatch(/FATAL.*TELEMETRY_DATA_DIR/);
  });
});

it.each([
  ['postgresql://a:s3cret/word@db/x', /^DATABASE_URL: .*%2F/],
  ['postgresql://a@db/x?sslmode=verify-full&sslrootcert=/nowhere', /^DATABASE_URL: sslrootcert/],
])('a start with the URL %s ends with what to do about it', async (url, message) => {
  const ended = await serve({ DATABASE_URL: url });
  expect(ended.code).toBe(1);
  expect(lastWords(ended)).toMatchObject({ level: 60, msg: expect.stringMatching(message) });
  expect(ended.stderr).not.toMatch(/s3cret| at .*\.ts/);
});

it('is started by its path with the Node that it brings, whatever is first on the path', async () => {
  const bin = join(directory.path, 'bin');
  mkdirSync(bin);
  writeFileSync(join(bin, 'node'), '#!/bin/sh\necho v20.20.0; exit 9\n');
  chmodSync(join(bin, 'node'), 0o755);
  const env = { PATH: `${bin}:${process.env.PATH}` };
  expect(await run(launcher, ['--version'], env)).toMatchObject({ code: 0, stderr: '' });
  // As npm links it, from anywhere.
  symlinkSync(launcher, join(bin, 'gravitas-telemetry'));
  expect(await run(join(bin, 'gravitas-telemetry'), ['--version'], env)).toMatchObject({ code: 0 });
  // A folder without a Node of its own: what is on the path has to do, or not.
  const elsewhere = join(directory.path, 'elsewhere');
  mkdirSync(join(elsewhere, 'bin'), { recursive: true });
  await run('cp', [launcher, join(elsewhere, 'bin')], {});
  const alone = await run(join(elsewhere, 'bin/gravitas-telemetry'), ['--version'], env);
  expect(alone).toMatchObject({ code: 1, stderr: expect.stringContaining('needs Node 24') });
});

it('says where it is reached on an IPv6 address', async () => {
  const database = await createDatabase();
  const collector = await spawnCollector({ DATABASE_URL: database.url, TELEMETRY_HOST: '::1' });
  const ready = collector.logs
    .map((line) => JSON.parse(line).msg)
    .find((msg) => /^ready/.test(msg));
  const url = new URL(ready.replace('ready: ', ''));
  expect((await fetch(new URL('/livez', url))).status).toBe(200);
  await collector.end('SIGTERM');
  await database.drop();
});

describe.each([
  ['make', ['--silent', 'start']],
  ['npm', ['run', '--silent', 'start']],
])('%s start', (program, args) => {
  it('passes SIGTERM on to the collector', async () => {
    const database = await createDatabase();
    const port = await freePort();
    const child = spawn(program, args, {
      cwd: root,
      env: {
        ...process.env,
        PATH: `${dirname(process.execPath)}:${process.env.PATH}`,
        DATABASE_URL: database.url,
        TELEMETRY_DATA_DIR: dataDirectory(),
        TELEMETRY_PORT: String(port),
      },
      stdio: 'ignore',
    });
    const answers = () =>
      fetch(`http://127.0.0.1:${port}/livez`).then(
        () => true,
        () => false,
      );
    await expect.poll(answers, { timeout: 20_000 }).toBe(true);
    const exited = once(child, 'exit');
    child.kill('SIGTERM');
    await exited;
    await expect.poll(answers, { timeout: 5000 }).toBe(false);
    await database.drop();
  });
});

describe('on a machine without a database', () => {
  it.each([
    ['sql', 'select 1'],
    ['legacy', 'status'],
    ['legacy', 'copy'],
    ['legacy', 'drop'],
    ['dead-letters', 'list'],
    ['dead-letters', 'show', 'a'],
    ['dead-letters', 'replay', 'all'],
    ['dead-letters', 'drop', 'all'],
  ])('%s %s creates none, and says so', async (...args) => {
    const ended = await run(launcher, args, {});
    expect(ended).toMatchObject({ code: 1, stdout: '' });
    expect(ended.stderr).toMatch(/^there is no database in .* yet: .*\n$/);
    expect(existsSync(dataDirectory())).toBe(false);
  });
});

it('a command whose database is away says so in one sentence', async () => {
  const env = { DATABASE_URL: `postgresql://a@localhost:${await freePort()}/b` };
  const ended = await run(launcher, ['sql', 'select 1'], env);
  expect(ended).toMatchObject({
    code: 1,
    stderr: expect.stringMatching(/^[^\n]*ECONNREFUSED[^\n]*\n$/),
  });
});
