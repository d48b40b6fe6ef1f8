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

function note(name: string, reason: string): void {
  notes.push([name, ...reason.split('\n').slice(0, 12)].join('\n    '));
}

function count(name: string, succeeded: boolean): void {
  if (succeeded) passed += 1;
  else fail(name);
  console.log(`${succeeded ? 'passed' : 'FAILED'}: ${name}`);
}

function fail(name: string, reason = ''): void {
  failed += 1;
  note(name, reason);
}

for (const [program, ...args] of checks) {
  const { status } = spawnSync(program, args, { stdio: 'inherit' });
  count([program, ...args].join(' '), status === 0);
}

const directory = mkdtempSync(join(tmpdir(), 'telemetry-results-'));
const vitestResults = join(directory, 'vitest.json');

interface VitestRun {
  readonly succeeded: boolean;
  readonly files: JsonTestResults['testResults'];
}

function runVitest(...given: readonly string[]): VitestRun {
  const reporters = ['--reporter=default', '--reporter=json', `--outputFile.json=${vitestResults}`];
  const { status } = spawnSync('vitest', ['run', ...reporters, ...given], { stdio: 'inherit' });
  try {
    const report: JsonTestResults = JSON.parse(readFileSync(vitestResults, 'utf8'));
    return { succeeded: status === 0, files: report.testResults };
  } catch (error) {
    console.error(error);
    return { succeeded: false, files: [] };
  }
}

/** The tests that failed, or the file itself where it did not come to them; each with its reason. */
function failuresOf(file: VitestRun['files'][number]): readonly (readonly [string, string])[] {
  const path = relative(process.cwd(), file.name);
  const tests = file.assertionResults.filter(({ status }) => status === 'failed');
  if (file.status === 'failed' && tests.length === 0) return [[path, file.message]];
  return tests.map((test) => [`${path}: ${test.fullName}`, test.failureMessages?.[0] ?? '']);
}

const everything = runVitest();
const failing = everything.files.filter((file) => failuresOf(file).length > 0);
// A machine that is short of something for a moment fails few: they are run once more, by themselves,
// and what failed before is told even where it does not fail again.
const isWorthAnother = failing.length > 0 && failing.length <= 3;
const again = isWorthAnother
  ? runVitest('--maxWorkers=1', ...failing.map(({ name }) => name))
  : everything;
for (const [name, reason] of isWorthAnother ? failing.flatMap(failuresOf) : []) {
  note(`failed at first: ${name}`, reason);
}
for (const told of everything.files) {
  const file = again.files.find(({ name }) => name === told.name) ?? told;
  for (const test of file.assertionResults) {
    if (test.status === 'passed') passed += 1;
    // It needs what this machine does not have and can't install; said, and in neither count.
    else if (test.status !== 'failed') {
      notes.push(`${test.status}: ${relative(process.cwd(), file.name)}: ${test.fullName}`);
    }
  }
  for (const [name, reason] of failuresOf(file)) fail(`failed: ${name}`, reason);
}
if (!again.succeeded && failed === 0) count('vitest: errors outside of tests', false);

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

for (const line of notes) console.log(line);
console.log(`${passed} passed, ${failed} failed`);
process.exitCode = failed === 0 ? 0 : 1;
