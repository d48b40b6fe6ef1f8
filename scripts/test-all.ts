import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import type { JsonTestResults } from 'vitest/node';

/** Runs every check and every test, however many fail, and ends with one line that counts them. */
const checks = [
  // Its bench and tests use the client as its users do.
  ['npm', 'run', '--silent', '--prefix', 'clients/typescript', 'build'],
  // Tests start collectors as users do, which takes a third of the time with it.
  ['npm', 'run', '--silent', 'bundle'],
  ['tsc'],
  ['biome', 'check'],
  ['knip'],
  ['buf', 'lint'],
  ['buf', 'format', '--diff', '--exit-code'],
  ['mypy', '--config-file', 'clients/python/pyproject.toml'],
] as const;

let passed = 0;
let failed = 0;
/** Told again at the end, where whoever sees only the end of the output finds it. */
const notes: string[] = [];

function count(name: string, succeeded: boolean): void {
  if (succeeded) passed += 1;
  else fail(name);
  console.log(`${succeeded ? 'passed' : 'FAILED'}: ${name}`);
}

function fail(name: string, reason = ''): void {
  failed += 1;
  notes.push([name, ...reason.split('\n').slice(0, 12)].join('\n    '));
}

for (const [program, ...args] of checks) {
  const { status } = spawnSync(program, args, { stdio: 'inherit' });
  count([program, ...args].join(' '), status === 0);
}

const directory = mkdtempSync(join(tmpdir(), 'telemetry-results-'));
const results = join(directory, 'results.json');
const reporters = ['--reporter=default', '--reporter=json', `--outputFile.json=${results}`];
const { status } = spawnSync('vitest', ['run', ...reporters], { stdio: 'inherit' });
try {
  const report: JsonTestResults = JSON.parse(readFileSync(results, 'utf8'));
  for (const file of report.testResults) {
    const name = relative(process.cwd(), file.name);
    const tests = file.assertionResults;
    for (const test of tests) {
      const title = `${test.status}: ${name}: ${test.fullName}`;
      if (test.status === 'passed') passed += 1;
      else if (test.status === 'failed') fail(title, test.failureMessages?.[0]);
      // It needs what this machine does not have and can't install; said, and in neither count.
      else notes.push(title);
    }
    const untold = file.status === 'failed' && tests.every((test) => test.status !== 'failed');
    if (untold) fail(`failed: ${name}`, file.message);
  }
} catch (error) {
  console.error(error);
}
if (status !== 0 && failed === 0) count('vitest: errors outside of tests', false);

const pytestResults = join(directory, 'pytest.xml');
// Most of its time is waiting for processes to start and to end; two files at a time, as above.
const parallel = ['-n', '2', '--dist', 'loadfile'];
const pytest = spawnSync(
  'pytest',
  ['-q', '-rfEs', 'clients/python', ...parallel, `--junit-xml=${pytestResults}`],
  { stdio: 'inherit' },
);
try {
  const [suite = ''] = readFileSync(pytestResults, 'utf8').match(/<testsuite [^>]*>/) ?? [];
  const number = (name: string) => Number(suite.match(new RegExp(` ${name}="(\\d+)"`))?.[1]);
  const passedTests = number('tests') - number('errors') - number('failures') - number('skipped');
  passed += passedTests;
  const failedTests = number('tests') - passedTests;
  failed += failedTests;
  if (failedTests > 0) notes.push(`${failedTests} of pytest, named above`);
} catch (error) {
  console.error(error);
}
if (pytest.status !== 0 && failed === 0) count('pytest: errors outside of tests', false);
rmSync(directory, { recursive: true, force: true });

for (const note of notes) console.log(note);
console.log(`${passed} passed, ${failed} failed`);
process.exitCode = failed === 0 ? 0 : 1;
