import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { startCollector, type TestCollector } from '../support/collector.ts';
import { runCommand } from '../support/command.ts';
import { postJson } from '../support/http.ts';
import { patient } from '../support/patient.ts';

let telemetry: TestCollector;
beforeAll(async () => {
  telemetry = await startCollector(patient);
});
afterAll(() => telemetry.stop());

const mainFile = new URL('../../src/main.ts', import.meta.url).pathname;
const log = (event_type: string, more = {}) =>
  postJson(`${telemetry.baseUrl}/v1/telemetry/log`, { event_type, ...more });

it.each([
  [[], /^\d\d:\d\d:\d\d\.\d{3} {2}BA D {2}L1 {2}1\.5 {2}ERROR {2}\{"a":"x"\}$/],
  [['--json'], /^\{"kind":"event","event_type":"B\\u001b\[31mA\\nD","component":"L1"/],
])('shows records as they are stored, until it is interrupted: %j', async (flags, shown) => {
  await log('FIRST', { component: 'L1' });
  const argv = ['--disable-warning=ExperimentalWarning', mainFile, 'tail', ...flags];
  const child = spawn(process.execPath, [...argv, '--component', 'L1', '--recent', '1'], {
    env: { ...process.env, TELEMETRY_URL: telemetry.baseUrl },
  });
  const errors: Buffer[] = [];
  child.stderr.on('data', (chunk: Buffer) => errors.push(chunk));
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  expect((await lines.next()).value).toContain('FIRST');
  await log('OTHER', { component: 'L2' });
  await log('B\u001b[31mA\nD', {
    component: 'L1',
    value: 1.5,
    status: 'ERROR',
    metadata: { a: 'x' },
  });
  const line = (await lines.next()).value;
  expect(line).toMatch(shown);
  const ended = once(child, 'exit');
  child.kill('SIGINT');
  expect([await ended, Buffer.concat(errors).toString()]).toEqual([[null, 'SIGINT'], '']);
});

it('says in one sentence what the collector refuses', async () => {
  const { code, stdout, stderr } = await runCommand(['tail', '--rate', '10001'], {
    TELEMETRY_URL: telemetry.baseUrl,
  });
  expect([code, stdout]).toEqual([1, '']);
  expect(stderr).toBe('--rate: "10001" is no whole number from 1 to 10000\n');
});
