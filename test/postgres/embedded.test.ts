import { statSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { EmbeddedPostgres, runningServer } from '../../src/postgres/embedded/server.ts';
import { postJson } from '../support/http.ts';
import { silentLogger } from '../support/logger.ts';
import { spawnCollector } from '../support/process.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';

describe('the embedded PostgreSQL', () => {
  let directory: ReturnType<typeof temporaryDirectory>;
  let data: string;
  beforeEach(() => {
    directory = temporaryDirectory();
    data = join(directory.path, 'data');
  });
  afterEach(() => directory.remove());

  const env = () => ({ DATABASE_URL: '', TELEMETRY_DATA_DIR: data });

  it('keeps its data over a restart, and closes its directory to others', async () => {
    const first = await spawnCollector(env());
    await postJson(`${first.baseUrl}/v1/telemetry/log`, { event_type: 'KEPT' });
    expect(await first.end('SIGTERM')).toBe(0);
    expect(statSync(join(data, 'postgresql-18')).mode & 0o777).toBe(0o700);
    const second = await spawnCollector(env());
    expect(await storedTypes(data)).toEqual(['KEPT']);
    expect(await second.end('SIGTERM')).toBe(0);
  });

  it('keeps what was acknowledged when the collector is killed, and stops within 5 s', async () => {
    const collector = await spawnCollector(env());
    await postJson(`${collector.baseUrl}/v1/telemetry/log`, { event_type: 'ACKNOWLEDGED' });
    const postgres = await postmasterPid(data);
    await collector.end('SIGKILL');
    const stoppedAfterMs = await timeUntil(() => !isAlive(postgres));
    expect(stoppedAfterMs).toBeLessThan(5000);
    const next = await spawnCollector(env());
    expect(await storedTypes(data)).toEqual(['ACKNOWLEDGED']);
    await next.end('SIGTERM');
  });

  it('is started at once after a kill, without a second server on the directory', async () => {
    const collector = await spawnCollector(env());
    const before = await postmasterPid(data);
    await collector.end('SIGKILL');
    const next = await spawnCollector(env());
    expect(await postmasterPid(data)).not.toBe(before);
    await next.end('SIGTERM');
  });

  it('refuses a directory that another collector uses, and leaves that one alone', async () => {
    const collector = await spawnCollector(env());
    const second = spawnCollector({ ...env(), TELEMETRY_SHUTDOWN_MS_MAX: '100' });
    await expect(second).rejects.toThrow(/in use by another collector/);
    const { status } = await postJson(`${collector.baseUrl}/v1/telemetry/log`, {
      event_type: 'ALONE',
    });
    expect(status).toBe(200);
    await collector.end('SIGTERM');
  });

  it('is started again when it dies, and the collector goes on', async () => {
    const collector = await spawnCollector(env());
    process.kill(await postmasterPid(data), 'SIGKILL');
    const log = () => postJson(`${collector.baseUrl}/v1/telemetry/log`, { event_type: 'AGAIN' });
    await timeUntil(async () => (await log()).body.durability === 'DURABILITY_COMMITTED');
    expect(await storedTypes(data)).toContain('AGAIN');
    await collector.end('SIGTERM');
  });

  it('works below a path that is too long for a socket', async () => {
    data = join(directory.path, 'x'.repeat(120));
    const postgres = await EmbeddedPostgres.start(data, silentLogger);
    const client = new pg.Client(postgres.connection as pg.ClientConfig);
    await client.connect();
    expect((await client.query('select 1 as one')).rows).toEqual([{ one: 1 }]);
    await client.end();
    await postgres.stop();
    expect(runningServer(data)).toBeUndefined();
  });
});

async function query<Row>(data: string, text: string): Promise<Row[]> {
  const client = new pg.Client(runningServer(data) as pg.ClientConfig);
  await client.connect();
  const { rows } = await client.query(text);
  await client.end();
  return rows;
}

async function storedTypes(data: string): Promise<string[]> {
  const rows = await query<{ event_type: string }>(data, 'select event_type from system_telemetry');
  return rows.map((row) => row.event_type);
}

async function postmasterPid(data: string): Promise<number> {
  const [row] = await query<{ pid: number }>(
    data,
    `select split_part(pg_read_file('postmaster.pid'), E'\\n', 1)::int as pid`,
  );
  return (row as { pid: number }).pid;
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

async function timeUntil(condition: () => boolean | Promise<boolean>): Promise<number> {
  const start = performance.now();
  while (!(await condition())) await sleep(20);
  return performance.now() - start;
}
