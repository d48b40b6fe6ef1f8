import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { appendFileSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { serverUser } from '../../src/postgres/embedded/binaries.ts';
import { EmbeddedPostgres } from '../../src/postgres/embedded/server.ts';
import { createDatabase } from '../support/database.ts';
import { getJson, postJson } from '../support/http.ts';
import { keepPosting } from '../support/live-load.ts';
import { silentLogger } from '../support/logger.ts';
import { spawnCollector } from '../support/process.ts';
import { canMount, SmallDisk } from '../support/small-disk.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';

let directory: ReturnType<typeof temporaryDirectory>;
let data: string;
beforeEach(() => {
  directory = temporaryDirectory();
  data = join(directory.path, 'data');
});
afterEach(() => directory.remove());

const env = () => ({ DATABASE_URL: '', TELEMETRY_DATA_DIR: data });
const cluster = () => join(data, 'postgresql-18');

/** A database directory that a server has left in good order. */
async function leaveCluster(): Promise<void> {
  const postgres = await EmbeddedPostgres.start(data, silentLogger);
  await postgres.stop();
}

describe('a postmaster.pid that was left behind', () => {
  let other: ChildProcess;
  afterEach(() => other.kill('SIGKILL'));

  async function leavePidFile(): Promise<void> {
    await leaveCluster();
    // Of the user that the server runs as, and with the directory in its command line.
    const args = ['-c', 'while :; do sleep 1; done', `postgres -D ${cluster()}`];
    other = spawn('sh', args, { ...serverUser(cluster()), cwd: '/', stdio: 'ignore' });
    await once(other, 'spawn');
    const lines = [other.pid, cluster(), 1_700_000_000, 5432, cluster(), '', '  1234567         0'];
    writeFileSync(join(cluster(), 'postmaster.pid'), `${lines.join('\n')}\nready   \n`);
  }

  it('does not keep the server from starting, nor harms whose number it has now', async () => {
    await leavePidFile();
    const collector = await spawnCollector(env());
    expect(other.exitCode ?? other.signalCode).toBeNull();
    expect(await collector.end('SIGTERM')).toBe(0);
  });
});

describe('a data directory in folders that are not there yet', () => {
  const modeOf = (path: string) => statSync(path).mode & 0o777;

  it.each(['embedded', 'named'])('is closed, and they are not: database %s', async (kind) => {
    const database = kind === 'named' ? await createDatabase() : undefined;
    const [outer, inner] = [join(directory.path, 'outer'), join(directory.path, 'outer', 'inner')];
    data = join(inner, 'data');
    const collector = await spawnCollector({ ...env(), DATABASE_URL: database?.url ?? '' });
    const open = 0o777 & ~process.umask();
    expect([outer, inner].map(modeOf)).toEqual([open, open]);
    // A server that runs as another user passes through, and sees nothing.
    const passed = kind === 'embedded' && process.getuid?.() === 0;
    expect(modeOf(data)).toBe(passed ? 0o711 : 0o700);
    expect(modeOf(join(data, 'spool'))).toBe(0o700);
    expect(await collector.end('SIGTERM')).toBe(0);
    await database?.drop();
  });
});

describe('a recovery that takes long', () => {
  it('is waited for, with the port open, and told about', async () => {
    await leaveCluster();
    // A standby that nobody may ask anything recovers until it is promoted.
    appendFileSync(join(cluster(), 'postgresql.auto.conf'), 'hot_standby = off\n');
    writeFileSync(join(cluster(), 'standby.signal'), '');
    const collector = await spawnCollector(env(), [], { until: 'listening' });
    const readyz = () => getJson(`${collector.baseUrl}/readyz`);
    const post = () =>
      postJson(`${collector.baseUrl}/v1/telemetry/log`, { event_type: 'MEANWHILE' });
    await expect
      .poll(async () => (await readyz()).body.reasons.join(), { timeout: 10_000 })
      .toMatch(/database: the embedded PostgreSQL: .*(waiting for WAL|redo)/);
    expect((await post()).body).toMatchObject({ durability: 'DURABILITY_SPOOLED' });
    writeFileSync(join(cluster(), 'promote'), '');
    process.kill(
      Number(readFileSync(join(cluster(), 'postmaster.pid'), 'utf8').split('\n')[0]),
      'SIGUSR1',
    );
    await expect.poll(async () => (await readyz()).status, { timeout: 20_000 }).toBe(200);
    await expect
      .poll(async () => (await post()).body.durability, { timeout: 10_000 })
      .toBe('DURABILITY_COMMITTED');
    expect(await collector.end('SIGTERM')).toBe(0);
  });
});

describe('a start that fails', () => {
  const lastWords = async (): Promise<string> => {
    const failure: Error = await spawnCollector(env()).then(
      () => new Error('started'),
      (error) => error,
    );
    return JSON.parse(failure.message.trim().split('\n').at(-1) as string).msg;
  };

  it('names the reason that PostgreSQL gives', async () => {
    await leaveCluster();
    writeFileSync(join(cluster(), 'PG_VERSION'), '12\n');
    expect(await lastWords()).toMatch(/embedded PostgreSQL does not start: .*incompatible/);
  });

  it.runIf(canMount)(
    'says that the disk is full, of a new database and of an old one',
    async () => {
      const disk = new SmallDisk(data, 300);
      disk.fill();
      const full = /no space left|ENOSPC|disk (is )?full/i;
      expect(await lastWords()).toMatch(full);
      disk.free();
      await leaveCluster();
      disk.fill();
      const words = await lastWords();
      expect(words).toMatch(full);
      expect(words).not.toMatch(/another collector|not open/);
      disk.unmount();
    },
  );
});

it('starts while the one before it, under load, is still stopping', async () => {
  const first = await spawnCollector(env());
  const load = keepPosting(first.port, 8, () => ({ event_type: 'LOAD', value: 1 }));
  await expect.poll(() => load.counts.committed).toBeGreaterThan(20);
  const next = await spawnCollector(env(), [], { until: 'waiting' });
  const ended = first.end('SIGTERM');
  await load.stop().catch(() => {});
  expect(await ended).toBe(0);
  await expect.poll(() => next.logs.join(), { timeout: 20_000 }).toMatch(/ready: http/);
  expect(await next.end('SIGTERM')).toBe(0);
});
