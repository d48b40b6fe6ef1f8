import { execFile } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';
import type { Report } from '../../bench/report/report.ts';
import { cases } from '../../bench/run.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';

const main = new URL('../../bench/main.ts', import.meta.url).pathname;
const rows = 2000;

/** Whatever the figures are: the bench itself ends in an error where a row is missing. */
it('measures every case in a tiny run, and stores every row', { timeout: 240_000 }, async () => {
  const directory = temporaryDirectory();
  const sizes = ['--smoke', '--rounds', '1', '--rows', String(rows)];
  const { stdout } = await promisify(execFile)(process.execPath, [
    '--disable-warning=ExperimentalWarning',
    main,
    ...sizes,
    '--out',
    directory.path,
  ]);

  const files = readdirSync(directory.path).toSorted();
  expect(files.map((name) => name.slice(name.lastIndexOf('.')))).toEqual(['.json', '.md', '.svg']);
  const [json = '', markdown = '', svg = ''] = files.map((name) =>
    readFileSync(join(directory.path, name), 'utf8'),
  );
  expect(stdout).toContain(markdown);
  const report = JSON.parse(json) as Report;
  expect(report).toMatchObject({ seed: 1, rounds: 1, settings: { fsync: 'on', autovacuum: 'on' } });
  expect(report.sections.map(({ name }) => name)).toEqual(cases.map(({ name }) => name));
  for (const { name, title, summaries, missing } of report.sections) {
    if (name === 'citus' && !process.env.CITUS_URL)
      expect(missing).toMatchObject([{ name: 'Citus' }]);
    else expect(summaries.length, name).toBeGreaterThan(0);
    expect(markdown).toContain(`## ${name}: ${title}`);
    for (const { samples } of summaries) {
      expect(samples).toHaveLength(1);
      expect(samples[0]?.rows, name).toBeGreaterThan(0);
      expect(samples[0]?.cpuSeconds.postgres, name).toBeGreaterThanOrEqual(0);
      if (name === 'raw' || name === 'stream') expect(samples[0]?.rows).toBe(rows);
    }
    if (['raw', 'stream', 'unary', 'bulk', 'otherwise'].includes(name))
      expect(svg).toContain(title);
  }
  expect(report.goals.length).toBeGreaterThan(10);
  directory.remove();
});
