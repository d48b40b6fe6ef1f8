import { globSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { countedCall, ruleNames } from '../../src/records/dialects/rules.ts';
import type { Signal } from '../../src/records/dialects/signal.ts';

const folder = join(import.meta.dirname, 'dialects');
const signals = globSync('*.json', { cwd: folder }).toSorted();

describe('a rule of each dialect', () => {
  it.each(signals)('counts as its golden file says: %s', async (file) => {
    const signal = JSON.parse(readFileSync(join(folder, file), 'utf8')) as Signal;
    const counted = countedCall(signal) ?? 'is not counted';
    const golden = join(folder, 'golden', `${basename(file, '.json')}.txt`);
    await expect(`${JSON.stringify(counted, null, 2)}\n`).toMatchFileSnapshot(golden);
  });

  it('has golden files, each', () => {
    const counted = signals.map(
      (file) => countedCall(JSON.parse(readFileSync(join(folder, file), 'utf8')))?.rule,
    );
    expect(new Set(counted.filter(Boolean))).toEqual(new Set(ruleNames));
  });

  it('never has a part that is greater than its whole', () => {
    for (const file of signals) {
      const call = countedCall(JSON.parse(readFileSync(join(folder, file), 'utf8')));
      if (!call) continue;
      const { input_tokens, output_tokens, ...parts } = call.usage;
      const { cached_tokens = 0, cache_write_tokens = 0, reasoning_tokens = 0 } = parts;
      expect(cached_tokens + cache_write_tokens, file).toBeLessThanOrEqual(input_tokens);
      expect(reasoning_tokens, file).toBeLessThanOrEqual(output_tokens);
    }
  });
});
