import { mkdirSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { toMarkdown } from './report/markdown.ts';
import { toSvg } from './report/plot.ts';
import { cases, runBench } from './run.ts';
import { numberOption } from './support/numbers.ts';
import { commitHash } from './support/other-commit.ts';
import { fullSizes, smokeSizes } from './support/sizes.ts';

/** docs/performance.md says what is measured, and how to read it. */
const names = cases.map(({ name }) => name);
/** Of these nothing runs that differs from commit to commit but the tables. */
const peers = ['otherwise'];
const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '5' },
    rows: { type: 'string', default: '500000' },
    only: { type: 'string' },
    against: { type: 'string' },
    seed: { type: 'string', default: '1' },
    out: { type: 'string', default: join(import.meta.dirname, 'results') },
    smoke: { type: 'boolean', default: false },
    unrolled: { type: 'boolean', default: false },
  },
});

const { against } = values;
if (against !== undefined) commitHash(against);
const only =
  values.only?.split(',') ?? names.filter((name) => against === undefined || !peers.includes(name));
const unknown = only.filter((name) => !names.includes(name));
if (unknown.length > 0) throw new Error(`--only: ${unknown} is none of ${names.join(', ')}`);
const rows = Number(values.rows);
if (!(rows >= 1000 && rows % 1000 === 0)) {
  throw new Error('--rows: expects thousands, the largest batch being 1,000');
}

const interrupted = new AbortController();
for (const name of ['SIGINT', 'SIGTERM'] as const) {
  process.once(name, () => interrupted.abort(name));
}
const report = await runBench({
  rounds: numberOption('rounds', values.rounds, { min: 1 }),
  seed: numberOption('seed', values.seed),
  sizes: values.smoke ? smokeSizes(rows) : fullSizes(rows),
  only,
  against,
  isUnrolled: values.unrolled,
  onProgress: (line) => console.error(line),
  signal: interrupted.signal,
}).catch((error) => {
  if (!interrupted.signal.aborted) throw error;
  console.error(`ended by ${interrupted.signal.reason}`);
  process.exit(128 + os.constants.signals[interrupted.signal.reason as NodeJS.Signals]);
});

mkdirSync(values.out, { recursive: true });
const stem = report.startedAt.slice(0, 16).replace(':', '');
const markdown = toMarkdown(report, `${stem}.svg`);
writeFileSync(join(values.out, `${stem}.json`), `${JSON.stringify(report, undefined, 2)}\n`);
writeFileSync(join(values.out, `${stem}.svg`), toSvg(report.sections));
writeFileSync(join(values.out, `${stem}.md`), markdown);
console.log(markdown);
