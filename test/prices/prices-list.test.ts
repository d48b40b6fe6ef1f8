import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { listEdition } from '../../src/prices/list.ts';
import { runCommand } from '../support/command.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';

describe('prices list', () => {
  const path = join(temporaryDirectory().path, 'prices.json');
  beforeAll(() => {
    const perToken = { usd_per_million_tokens: { input: '1.25', output: 10 } };
    const prices = [
      { provider: 'x_ai', model: 'grok-4*', ...perToken, from: '2026-07-01' },
      { model: 'qwen3', watts: 350, usd_per_kwh: '0.32' },
    ];
    writeFileSync(path, JSON.stringify({ prices }));
  });
  const list = async (...args: string[]) => {
    const { stdout, code, stderr } = await runCommand(['prices', 'list', ...args]);
    expect(stderr).toBe('');
    expect(code).toBe(0);
    return stdout;
  };

  it('has own prices first, then the list, with their editions', async () => {
    const json = await list(
      '--json',
      '--prices-file',
      path,
      '--provider',
      'xai',
      '--model',
      'grok-4',
    );
    const { list: edition, own, prices } = JSON.parse(json);
    expect(edition).toEqual(listEdition);
    expect(own).toEqual({
      version: expect.stringMatching(/^[0-9a-f]{8}$/),
      date: expect.stringMatching(/^\d{4}-\d\d-\d\d$/),
    });
    expect(prices[0]).toEqual({
      source: 'own',
      provider: 'x_ai',
      model: 'grok-4*',
      from: '2026-07-01T00:00:00.000Z',
      input: '1.25',
      output: '10',
    });
    const others = prices.slice(1);
    expect(others.length).toBeGreaterThan(0);
    for (const { source, provider, model } of others) {
      expect([source, provider]).toEqual(['list', 'x-ai']);
      expect(model).toContain('grok-4');
    }
  });

  it('is for people otherwise', async () => {
    const text = await list('--prices-file', path, '--model', 'qwen3');
    expect(text).toContain(`list: genai-prices ${listEdition.version} of ${listEdition.date}`);
    expect(text).toContain('350 W at $0.32 a kWh');
    expect(await list('--model', 'no-such-model')).toContain('0 prices');
  });

  it('says what is wrong with the file', async () => {
    writeFileSync(`${path}.wrong`, '{"prices": [{"model": "a"}]}');
    const { code, stderr } = await runCommand(['prices', 'list', '--prices-file', `${path}.wrong`]);
    expect(code).toBe(1);
    expect(stderr).toMatch(/^TELEMETRY_PRICES_FILE: .*prices\[0\]: expects one of/);
  });
});
