import { statfsSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { expect, it } from 'vitest';
import type { Environment } from '../../src/config.ts';
import { retentionOptions } from '../../src/retention/options.ts';
import { testConfig } from '../support/config.ts';

const optionsOf = (env: Environment) =>
  retentionOptions(testConfig({ DATABASE_URL: 'postgresql://db/telemetry', ...env }));

it('keeps totals at least as long as what they are of', async () => {
  const { rowDays, levelDays } = await optionsOf({
    TELEMETRY_RETENTION_EVENT_DAYS: '400',
    TELEMETRY_RETENTION_HOUR_DAYS: '7',
    TELEMETRY_RETENTION_DAY_DAYS: '500',
  });
  expect(rowDays).toEqual({ event: 400, usage: 60 });
  expect(levelDays).toEqual({ quarter: 400, hour: 400, day: 500 });
});

it('takes 0 for ever', async () => {
  const options = await optionsOf({
    TELEMETRY_RETENTION_USAGE_DAYS: '0',
    TELEMETRY_RETENTION_AUDIT_DAYS: '0',
    TELEMETRY_RETENTION_BYTES_MAX: '0',
  });
  expect(options.levelDays).toEqual({ quarter: Infinity, hour: Infinity, day: Infinity });
  expect(options).toMatchObject({ auditDays: Infinity, bytesMax: Infinity, deadLetterDays: 365 });
});

it('has no limit of the size but on the disk of the embedded database', async () => {
  expect((await optionsOf({})).bytesMax).toBe(Infinity);
  expect((await optionsOf({ TELEMETRY_RETENTION_BYTES_MAX: '5000' })).bytesMax).toBe(5000);
  const { blocks, bsize } = statfsSync(tmpdir());
  const embedded = await optionsOf({ DATABASE_URL: '', TELEMETRY_DATA_DIR: tmpdir() });
  expect(embedded.bytesMax).toBe(Math.floor(blocks * bsize * 0.7));
});
