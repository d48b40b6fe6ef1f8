import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';
import { questions } from '../../bench/query/questions.ts';

const main = new URL('../../bench/query/main.ts', import.meta.url).pathname;

/** Whatever the figures are: a question that is refused ends the bench in an error. */
it('asks every question of a small database, beside plain SQL', { timeout: 240_000 }, async () => {
  const sizes = ['--events', '3000', '--usage', '300', '--days', '2', '--rounds', '1'];
  const { stdout } = await promisify(execFile)(process.execPath, [
    '--disable-warning=ExperimentalWarning',
    main,
    ...sizes,
    ...['--ingest', '1000', '--beside'],
  ]);

  for (const [name, { rows, hourly }] of Object.entries(questions)) {
    const line = stdout.split('\n').find((each) => each.startsWith(`| ${name} |`));
    const [rowsMs, hourlyMs] = line?.split(' | ').slice(-2) ?? [];
    expect(line, name).toBeDefined();
    expect(Number.parseFloat(rowsMs ?? '') >= 0, name).toBe(rows !== undefined);
    expect(Number.parseFloat(hourlyMs ?? '') >= 0, name).toBe(hourly !== undefined);
  }
  expect(stdout).toMatch(/Tail, meanwhile: p50 \d/);
});
