import { expect, it } from 'vitest';
import { fuzz } from '../../scripts/fuzz/run.ts';

it('takes thousands of damaged inputs without a crash, a 5xx or a lost record', async () => {
  const report = await fuzz(20, 6000);
  expect(report.violations).toEqual([]);
  expect(report.inputs).toBeGreaterThanOrEqual(6000);
  expect(Object.keys(report.kinds)).toHaveLength(16);
  expect(report.records_acknowledged).toBeGreaterThan(0);
}, 60_000);
