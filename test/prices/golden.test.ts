import { describe, expect, it } from 'vitest';
import type { UsageCall } from '../../src/prices/cost.ts';
import { inWords } from '../../src/prices/in-words.ts';
import { parseOwnPrices } from '../../src/prices/own.ts';
import { Pricer } from '../../src/prices/pricer.ts';
import { usageCall } from './calls.ts';

const own = parseOwnPrices(
  JSON.stringify({
    prices: [
      { provider: 'ollama', model: 'qwen3*', usd_per_gpu_hour: '1.20', gpus: 2 },
      { model: 'gpt-oss-20b', watts: 350, usd_per_kwh: '0.32' },
      {
        provider: 'azure',
        model: 'gpt-4o',
        until: '2026-07-01',
        usd_per_million_tokens: { input: 2, output: 8 },
      },
      {
        provider: 'azure',
        model: 'gpt-4o',
        from: '2026-07-01',
        usd_per_million_tokens: { input: 1.5, output: 6 },
      },
      {
        provider: 'openai',
        model: 'gpt-5*',
        service_tier: 'batch',
        usd_per_million_tokens: { input: '0.625', cached: '0.0625', output: 5 },
      },
    ],
  }),
  new Date('2026-06-01T00:00:00Z'),
);

/** Each with a file of its own, which says in words what it costs and why. */
const cases: Readonly<Record<string, Partial<UsageCall>>> = {
  plain: {},
  cached: { cachedTokens: 800 },
  'cache-write': { inputTokens: 5000, cacheWriteTokens: 3000, cachedTokens: 1000 },
  'cache-write-1h': { inputTokens: 5000, cacheWriteTokens: 3000, cacheWrite1hTokens: 1200 },
  'cache-without-price': { provider: 'cohere', model: 'command-r', cachedTokens: 600 },
  'reasoning-inside-output': { provider: 'openai', model: 'gpt-5', reasoningTokens: 150 },
  'reasoning-with-a-price': {
    provider: 'perplexity',
    model: 'sonar-deep-research',
    reasoningTokens: 150,
  },
  'price-of-a-request': { provider: 'perplexity', model: 'sonar' },
  'context-at-the-tier': { inputTokens: 200_000 },
  'context-beyond-the-tier': { inputTokens: 200_001, cachedTokens: 100_000 },
  'before-midnight': {
    provider: 'openai',
    model: 'gpt-5.6-luna',
    timeMs: Date.UTC(2026, 6, 30) - 1,
  },
  'at-midnight': { provider: 'openai', model: 'gpt-5.6-luna', timeMs: Date.UTC(2026, 6, 30) },
  'before-the-cheap-hours': {
    provider: 'deepseek',
    model: 'deepseek-chat',
    timeMs: Date.UTC(2026, 10, 1, 16, 30) - 1,
  },
  'in-the-cheap-hours': {
    provider: 'deepseek',
    model: 'deepseek-chat',
    timeMs: Date.UTC(2026, 10, 1, 16, 30),
  },
  'azure-by-openai': { provider: 'azure.ai.openai', model: 'gpt-5', serviceTier: 'default' },
  'free-by-name': { provider: 'openrouter', model: 'deepseek/deepseek-r1:free' },
  'no-price-in-the-list': { provider: 'cerebras', model: 'qwen-3-coder-480b' },
  'unknown-model': { provider: 'openai', model: 'gpt-of-tomorrow' },
  'unknown-provider': { provider: 'vllm', model: 'gpt-5' },
  'no-provider': { provider: '', model: 'gpt-5' },
  'local-without-provider': { provider: '', model: 'gpt-oss-20b', durationMs: 1500 },
  'local-by-gpu-hour': { provider: 'ollama', model: 'qwen3:32b', durationMs: 12_345.678 },
  'local-by-kwh': { provider: 'llama.cpp', model: 'gpt-oss-20b', durationMs: 60_000 },
  'local-without-duration': { provider: 'ollama', model: 'qwen3:32b' },
  'own-before-midnight': {
    provider: 'azure.ai.openai',
    model: 'gpt-4o',
    timeMs: Date.UTC(2026, 6, 1) - 1,
  },
  'own-at-midnight': { provider: 'azure', model: 'GPT-4o', timeMs: Date.UTC(2026, 6, 1) },
  'tier-of-own': { provider: 'openai', model: 'gpt-5', serviceTier: 'batch', cachedTokens: 100 },
  'tier-unknown': { provider: 'openai', model: 'gpt-5', serviceTier: 'priority' },
  'cached-beyond-input': { cachedTokens: 1001 },
  'cache-hour-beyond-write': { cacheWriteTokens: 10, cacheWrite1hTokens: 11 },
  'reasoning-beyond-output': { reasoningTokens: 201 },
  'no-tokens': { inputTokens: 0, outputTokens: 0 },
  embedding: { provider: 'openai', model: 'text-embedding-3-small', outputTokens: 0 },
  'embedding-with-output': { provider: 'openai', model: 'text-embedding-3-small' },
};

describe('the cost of a call', () => {
  const pricer = new Pricer(() => own);
  for (const [name, given] of Object.entries(cases)) {
    it(`is in words: ${name}`, async () => {
      const words = inWords(pricer, usageCall(given), {
        cost: null,
        source: null,
        rule: 'contract',
      });
      await expect(`${words.join('\n')}\n`).toMatchFileSnapshot(`golden/${name}.txt`);
    });
  }
});
