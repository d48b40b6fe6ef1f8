import { expect, it } from 'vitest';
import { compareSections } from '../../bench/report/comparison.ts';
import { toSvg } from '../../bench/report/plot.ts';
import { summarizeCase } from '../../bench/report/summary.ts';
import type { Sample } from '../../bench/support/bench.ts';

const sample = (rows: number): Sample => ({
  rows,
  seconds: 2,
  cpuSeconds: { client: 1, collector: 1, postgres: 1 },
  figures: { p99_ms: rows === 0 ? Number.NaN : 8 },
});

const sectionOf = (...samples: Sample[]) => {
  const contestant = { name: '64 connections', measure: async () => sample(0) };
  const lineup = { contestants: [contestant] };
  return summarizeCase({ name: 'unary', title: 'posts' }, lineup, new Map([[contestant, samples]]));
};

it('reports a sample in which everything was refused', () => {
  const section = sectionOf(sample(0), sample(4000), sample(2000));
  expect(section.summaries[0]).toMatchObject({
    rowsPerSecond: { median: 1000, min: 0, max: 2000 },
    cpuUsPerRow: { collector: { min: 250, max: 500 } },
    figures: { p99_ms: { min: 8, max: 8 } },
  });
  const svg = toSvg([section]);
  expect(svg).toContain('64 connections');
  expect(svg).not.toMatch(/NaN|Infinity/);
});

it('gives the ratios of pairs, where both have something', () => {
  const ours = [sectionOf(sample(2000), sample(0), sample(3000))];
  const theirs = [sectionOf(sample(4000), sample(4000), sample(2000))];
  const { pairs } = compareSections('older', ours, theirs);
  expect(pairs[0]).toMatchObject({ case: 'unary', contestant: '64 connections' });
  expect(pairs[0]?.ratios['rows/s']).toEqual({ median: 0.5, min: 0, max: 1.5 });
  expect(pairs[0]?.ratios['collector µs']).toEqual({ median: 4 / 3, min: 2 / 3, max: 2 });
  expect(pairs[0]?.ratios.p99_ms).toEqual({ median: 1, min: 1, max: 1 });
});
