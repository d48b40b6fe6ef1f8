import { chmodSync, writeFileSync } from 'node:fs';
import { hostname, totalmem } from 'node:os';
import { delimiter, join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { startCollector, type TestCollector } from '../support/collector.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';
import { type CuttableProxy, startProxy } from './cuttable-proxy.ts';
import { type RunningExample, runExample } from './run-example.ts';

function hostMetrics(url: string, args: string[], env?: NodeJS.ProcessEnv): RunningExample {
  const all = ['examples/host-metrics/main.ts', '--url', url, '--interval-ms', '50', ...args];
  return runExample(process.execPath, all, env);
}

describe('examples/host-metrics', () => {
  let telemetry: TestCollector;
  beforeAll(async () => {
    telemetry = await startCollector();
  });
  beforeEach(() => telemetry.database.rows('truncate system_telemetry'));
  afterAll(() => telemetry.stop());

  const samplesStored = () =>
    telemetry.database.count("select count(*) from system_telemetry where event_type = 'CPU_LOAD'");

  it('streams as many samples as it is told', async () => {
    const example = hostMetrics(telemetry.baseUrl, ['--count', '3']);
    expect(await example.exited, example.lines.join('\n')).toBe(0);

    const rows = await telemetry.database.rows<{ event_type: string; value: number }>(
      `select event_type, component, count(*)::int, max(value) as value,
          min(metadata ->> 'unit') as unit
        from system_telemetry group by 1, 2 order by 1`,
    );
    const metric = (event_type: string, unit: string | null) => ({
      event_type,
      component: hostname(),
      count: 3,
      value: expect.any(Number),
      unit,
    });
    const network = [metric('NETWORK_RECEIVED', 'bytes'), metric('NETWORK_SENT', 'bytes')];
    expect(rows.filter(({ event_type }) => !event_type.startsWith('GPU_'))).toEqual([
      metric('CPU_LOAD', null),
      metric('CPU_USAGE', 'percent'),
      metric('DISK_USED', 'bytes'),
      metric('MEMORY_USED', 'bytes'),
      ...(process.platform === 'linux' ? network : []),
    ]);
    const value = Object.fromEntries(rows.map((row) => [row.event_type, row.value]));
    expect(value.CPU_USAGE).toBeGreaterThanOrEqual(0);
    expect(value.CPU_USAGE).toBeLessThanOrEqual(100);
    expect(value.DISK_USED).toBeGreaterThan(0);
    expect(value.MEMORY_USED).toBeGreaterThan(0);
    expect(value.MEMORY_USED).toBeLessThan(totalmem());
    expect(example.lines.filter((line) => / events stored$/.test(line))).toHaveLength(3);
  });

  it('asks nvidia-smi for the GPUs, and leaves out what one does not measure', async () => {
    const directory = temporaryDirectory();
    const answer = ['0, 37, 11776, 24564, 61, Example RTX', '1, [N/A], 512, 8192, 40, Other'];
    const script = `#!/bin/sh\nprintf '%s\\n' ${answer.map((line) => `'${line}'`).join(' ')}\n`;
    writeFileSync(join(directory.path, 'nvidia-smi'), script);
    chmodSync(join(directory.path, 'nvidia-smi'), 0o755);
    const PATH = `${directory.path}${delimiter}${process.env.PATH}`;
    const example = hostMetrics(telemetry.baseUrl, ['--count', '1'], { PATH });
    expect(await example.exited, example.lines.join('\n')).toBe(0);
    directory.remove();

    const rows = await telemetry.database.rows(
      `select event_type, value, metadata ->> 'gpu_name' as gpu_name from system_telemetry
        where event_type like 'GPU%' order by metadata ->> 'gpu_id', event_type`,
    );
    expect(rows).toEqual([
      { event_type: 'GPU_MEMORY_USED', value: 11776 * 1024 ** 2, gpu_name: 'Example RTX' },
      { event_type: 'GPU_TEMPERATURE', value: 61, gpu_name: 'Example RTX' },
      { event_type: 'GPU_USAGE', value: 37, gpu_name: 'Example RTX' },
      { event_type: 'GPU_MEMORY_USED', value: 512 * 1024 ** 2, gpu_name: 'Other' },
      { event_type: 'GPU_TEMPERATURE', value: 40, gpu_name: 'Other' },
    ]);
  });

  it.each(['SIGINT', 'SIGTERM'] as const)(
    'ends at %s, with all it has sent acknowledged',
    async (signal) => {
      const example = hostMetrics(telemetry.baseUrl, []);
      await example.printed(/ events stored$/, 2);
      example.process.kill(signal);
      expect(await example.exited).toBe(0);
      const acknowledged = example.lines.filter((line) => / events stored$/.test(line));
      expect(await samplesStored()).toBe(acknowledged.length);
    },
  );

  describe('behind a connection that breaks', () => {
    let proxy: CuttableProxy;
    beforeEach(async () => {
      proxy = await startProxy(telemetry.port);
    });
    afterEach(() => proxy.stop());

    /** Runs until a sample is stored of which it is not told. */
    async function runUntilUntold(args: string[]): Promise<RunningExample> {
      const example = hostMetrics(proxy.url, args);
      await example.printed(/ events stored$/);
      proxy.withholdAnswers();
      // A few more than printed: what was answered before may still be on its way to us.
      const stored = example.lines.length + 4;
      await vi.waitUntil(async () => (await samplesStored()) >= stored, 10_000);
      return example;
    }

    it('sends again, under the same id, what was stored without its knowing', async () => {
      const example = await runUntilUntold(['--count', '20']);
      proxy.cut();
      expect(await example.exited, example.lines.join('\n')).toBe(0);

      expect(example.lines.join('\n')).toMatch(/ events were stored before$/m);
      expect(example.lines.filter((line) => / events (were )?stored/.test(line))).toHaveLength(20);
      expect(await samplesStored()).toBe(20);
    });

    it('gives up some seconds after a signal, and says what is not acknowledged', async () => {
      const example = await runUntilUntold([]);
      example.process.kill('SIGTERM');
      expect(await example.exited).toBe(1);
      expect(example.lines.at(-1)).toMatch(/^stopped with \d+ batches that are not acknowledged$/);
    });
  });
});
