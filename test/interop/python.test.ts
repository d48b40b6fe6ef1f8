import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startCollector, type TestCollector } from '../support/collector.ts';
import { startJammedCollector } from '../support/jammed-collector.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
const venvPython = `${root}.venv/bin/python`;

describe('grpcio with the generated stubs', () => {
  let telemetry: TestCollector;
  let jammed: TestCollector;
  beforeAll(async () => {
    [telemetry, jammed] = await Promise.all([startCollector(), startJammedCollector()]);
  });
  afterAll(() => Promise.all([telemetry.stop(), jammed.stop()]));

  it('passes its own tests, and what it sent is in the tables', async () => {
    const python = existsSync(venvPython) ? venvPython : 'python3';
    const args = ['-m', 'pytest', '-q', '-p', 'no:cacheprovider', 'test/interop/python'];
    const pytest = spawn(python, args, {
      cwd: root,
      env: {
        ...process.env,
        PYTHONPATH: `${root}gen/python`,
        PYTHONDONTWRITEBYTECODE: '1',
        TELEMETRY_TARGET: `127.0.0.1:${telemetry.port}`,
        TELEMETRY_JAMMED_TARGET: `127.0.0.1:${jammed.port}`,
      },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const [output, errors] = await Promise.all([
      text(pytest.stdout),
      text(pytest.stderr),
      once(pytest, 'close'),
    ]);
    expect(pytest.exitCode, `${output}\n${errors}`).toBe(0);
    const stored = await telemetry.database.rows(
      `select event_type, array_agg(value order by value) as values
       from system_telemetry where event_type like 'PY%' group by event_type order by event_type`,
    );
    expect(stored).toEqual([
      { event_type: 'PY_BATCH', values: [0, 2] },
      { event_type: 'PY_LOG', values: [12.5] },
      { event_type: 'PY_STREAM', values: [0, 1, 2] },
      { event_type: 'PY_TURN', values: [0, 2] },
    ]);
  });
});
