import { Registry } from 'prom-client';
import { expect, it, vi } from 'vitest';
import { Health } from '../../src/observe/health.ts';
import { RetentionJob } from '../../src/retention/retention-job.ts';
import { testConfig } from '../support/config.ts';
import { createDatabase } from '../support/database.ts';
import { silentLogger } from '../support/logger.ts';
import { rollupWork } from '../support/rollup-work.ts';

it('goes on soon after the database was unwell for a moment, not a minute later', async () => {
  const database = await createDatabase();
  const work = rollupWork(database);
  const [health, registry, end] = [new Health(), new Registry(), new AbortController()];
  const config = testConfig({ DATABASE_URL: database.url });
  health.report('database', 'not yet');
  const job = new RetentionJob(work.pool, work, config, health, silentLogger, registry);
  job.start(Promise.resolve(), end.signal);
  const looked = vi.spyOn(health, 'report');
  await vi.waitUntil(() => looked.mock.calls.some(([part]) => part === 'retention'), {
    timeout: 30_000,
  });
  health.report('database', undefined);
  const bytes = async () => {
    const found = await registry.getSingleMetric('telemetry_retention_bytes')?.get();
    return found?.values[0]?.value ?? 0;
  };
  await vi.waitFor(async () => expect(await bytes()).toBeGreaterThan(0), { timeout: 30_000 });
  end.abort();
  await work.end();
  await database.drop();
}, 60_000);
