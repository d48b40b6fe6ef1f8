import { existsSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startCollector, type TestCollector } from '../support/collector.ts';
import { runExample } from './run-example.ts';

const python = existsSync('.venv/bin/python') ? '.venv/bin/python' : 'python3';

describe('the examples that call the service', () => {
  let telemetry: TestCollector;
  beforeAll(async () => {
    telemetry = await startCollector();
  });
  afterAll(() => telemetry.stop());

  const eventsOf = (component: string) =>
    telemetry.database.rows(
      `select event_type, value, status, metadata from system_telemetry
        where component = $1 order by "timestamp", metadata ->> 'step'`,
      [component],
    );

  const usageRows = (observedSince: Date) =>
    telemetry.database.rows(
      `select model, layer, prompt_tokens::int, completion_tokens::int, duration_ms
        from usage_stats where observed_at >= $1 order by model`,
      [observedSince],
    );

  const check = { event_type: 'VRAM_CHECK', value: 12.5, status: 'OK' };
  const used = {
    model: 'llama-3-8b',
    layer: 'L1',
    prompt_tokens: 512,
    completion_tokens: 128,
    duration_ms: 840.5,
  };

  it('curl.sh stores an event, usage and a batch, and shows them', async () => {
    const startedAt = new Date();
    const example = runExample('bash', ['examples/curl.sh', telemetry.baseUrl]);
    expect(await example.exited, example.lines.join('\n')).toBe(0);

    const gpu = { gpu_id: 0, total_vram_gb: 24, used_vram_gb: 11.5 };
    expect(await eventsOf('L1')).toEqual([{ ...check, metadata: gpu }]);
    expect(await eventsOf('llama-3-8b')).toMatchObject([
      { event_type: 'LOAD_LATENCY', value: 3.2 },
      { event_type: 'THOUGHT_LATENCY', value: 6.5, metadata: { tokens_generated: 128 } },
    ]);
    const cloud = { model: 'claude-sonnet', layer: 'L2', prompt_tokens: 900 };
    expect(await usageRows(startedAt)).toMatchObject([cloud, used]);

    const answers = example.lines.map((line) => JSON.parse(line));
    expect(answers).toMatchObject([
      { success: true, message: 'event stored' },
      { success: true, message: 'usage record stored' },
      { events: 2, usage: 1, rejected: 0 },
      [{ event_type: 'VRAM_CHECK', component: 'L1', value: 12.5 }],
      { measurement_count: 1, avg_efficiency_score: 6.5, total_tokens: 128 },
      { requests: 2, l2_tokens: 1200 },
    ]);
  });

  it('curl.sh fails when the service answers with an error', async () => {
    const example = runExample('bash', ['examples/curl.sh', `${telemetry.baseUrl}/elsewhere`]);
    expect(await example.exited).toBe(22);
    expect(example.lines.join('\n')).toContain('404');
  });

  it.each([
    ['python', python, 'examples/python/main.py', () => `127.0.0.1:${telemetry.port}`],
    ['typescript', process.execPath, 'examples/typescript/main.ts', () => telemetry.baseUrl],
  ])('%s stores an event, usage and a stream, and lists the events', async (...parameters) => {
    const [component, command, file, target] = parameters;
    const startedAt = new Date();
    const example = runExample(command, [file, target()]);
    expect(await example.exited, example.lines.join('\n')).toBe(0);

    expect(await eventsOf(component)).toEqual([
      { ...check, metadata: { gpu_id: 0, used_vram_gb: 11.5 } },
      { event_type: 'TRAINING_LOSS', value: 1, status: null, metadata: { step: 0 } },
      { event_type: 'TRAINING_LOSS', value: 1 / 2, status: null, metadata: { step: 1 } },
      { event_type: 'TRAINING_LOSS', value: 1 / 3, status: null, metadata: { step: 2 } },
    ]);
    expect(await usageRows(startedAt)).toEqual([used]);
    expect(example.lines.filter((line) => /^batch \S+ events 1$/.test(line))).toHaveLength(3);
    expect(example.lines.at(-1)).toMatch(/^\d{4}-\S+Z VRAM_CHECK 12\.5$/);
  });

  it.each([
    ['python', python, 'examples/python/main.py', '127.0.0.1:1'],
    ['typescript', process.execPath, 'examples/typescript/main.ts', 'http://127.0.0.1:1'],
  ])('%s fails when nobody answers', async (_name, command, file, target) => {
    const example = runExample(command, [file, target]);
    expect(await example.exited).toBe(1);
    expect(example.lines.join('\n')).toMatch(/unavailable/i);
  });
});
