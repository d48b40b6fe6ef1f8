import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** Runs every check and every test, however many fail, and ends with one line that counts them. */
const checks = [
  // Its bench and tests use the client as its users do.
  ['npm', 'run', '--silent', '--prefix', 'clients/typescript', 'build'],
  ['tsc'],
  ['biome', 'check'],
  ['knip'],
  ['buf', 'lint'],
  ['buf', 'format', '--diff', '--exit-code'],
  ['mypy', '--config-file', 'clients/python/pyproject.toml'],
] as const;

let passed = 0;
let failed = 0;

function count(name: string, succeeded: boolean): void {
  if (succeeded) passed += 1;
  else failed += 1;
  console.log(`${succeeded ? 'passed' : 'FAILED'}: ${name}`);
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
  const { numPassedTests, numTotalTests } = JSON.parse(readFileSync(results, 'utf8'));
  passed += numPassedTests;
  // What was skipped has not passed.
  failed += numTotalTests - numPassedTests;
} catch (error) {
  console.error(error);
}
if (status !== 0 && failed === 0) count('vitest: errors outside of tests', false);

const pytestResults = join(directory, 'pytest.xml');
// Most of its time is waiting for processes to start and to end; two files at a time, as above.
const parallel = ['-n', '2', '--dist', 'loadfile'];
const pytest = spawnSync(
  'pytest',
  ['-q', 'clients/python', ...parallel, `--junit-xml=${pytestResults}`],
  { stdio: 'inherit' },
);
try {
  const [suite = ''] = readFileSync(pytestResults, 'utf8').match(/<testsuite [^>]*>/) ?? [];
  const number = (name: string) => Number(suite.match(new RegExp(` ${name}="(\\d+)"`))?.[1]);
  const passedTests = number('tests') - number('errors') - number('failures') - number('skipped');
  passed += passedTests;
  failed += number('tests') - passedTests;
} catch (error) {
  console.error(error);
}
if (pytest.status !== 0 && failed === 0) count('pytest: errors outside of tests', false);
rmSync(directory, { recursive: true, force: true });

console.log(`${passed} passed, ${failed} failed`);
process.exitCode = failed === 0 ? 0 : 1;
