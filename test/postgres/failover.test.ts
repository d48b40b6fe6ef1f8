import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { startCollector } from '../support/collector.ts';
import type { TestDatabase } from '../support/database.ts';
import { freePort } from '../support/free-port.ts';
import { postJson } from '../support/http.ts';
import { startTcpPostgres, type TcpPostgres } from '../support/tcp-postgres.ts';

describe('several hosts', () => {
  let primary: TcpPostgres;
  let standby: TcpPostgres;
  beforeEach(async () => {
    [primary, standby] = await Promise.all([
      startTcpPostgres(),
      startTcpPostgres({ standby: true }),
    ]);
  });
  afterEach(() => Promise.all([primary.stop(), standby.stop()]));

  it('of which one is away and one a standby: the one that can be written to is taken', async () => {
    const hosts = [await freePort(), standby.port, primary.port].map((port) => `127.0.0.1:${port}`);
    const url = `postgresql://postgres@${hosts.join()}/postgres?target_session_attrs=read-write`;
    const telemetry = await startCollector({ DATABASE_URL: url }, {} as TestDatabase);
    const post = async () =>
      (await postJson(`${telemetry.baseUrl}/v1/telemetry/log`, { event_type: 'A' })).body
        .durability;
    await expect.poll(post, { timeout: 20_000 }).toBe('DURABILITY_COMMITTED');
    // Fails over.
    await primary.stop();
    await standby.query('select pg_promote()');
    await expect.poll(post, { timeout: 20_000 }).toBe('DURABILITY_COMMITTED');
    await standby.query('select from system_telemetry');
    await telemetry.stop();
  });
});
