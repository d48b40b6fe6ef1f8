import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { startCollector, type TestCollector } from '../support/collector.ts';

let telemetry: TestCollector;
beforeAll(async () => {
  telemetry = await startCollector();
  await telemetry.database.rows(
    `insert into system_telemetry (event_type, component)
     select 'TYPE', repeat('x', 200) from generate_series(1, 3000)`,
  );
});
afterAll(() => telemetry.stop());

const mainFile = new URL('../../src/main.ts', import.meta.url).pathname;

it.each([
  ['events', '--limit', '3000'],
  ['events', '--limit', '3000', '--json'],
  ['export', 'events'],
  ['tail', '--recent', '1000'],
])('%s ends quietly when whoever reads has seen enough', async (...args) => {
  const command = [process.execPath, '--disable-warning=ExperimentalWarning', mainFile, ...args];
  const { stdout, stderr } = await promisify(execFile)(
    'sh',
    ['-c', '{ "$@"; echo "ended with $?" >&2; } | head -n 1', 'sh', ...command],
    { env: { ...process.env, TELEMETRY_URL: telemetry.baseUrl }, timeout: 60_000 },
  );
  expect(stdout.split('\n')).toHaveLength(2);
  expect(stderr).toBe('ended with 141\n');
});
