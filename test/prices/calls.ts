import type { UsageCall } from '../../src/prices/cost.ts';

/** A call that costs something, but for what a test says itself. */
export const usageCall = (given: Partial<UsageCall> = {}): UsageCall => ({
  provider: 'anthropic',
  model: 'claude-sonnet-4-5',
  serviceTier: '',
  timeMs: Date.UTC(2026, 10, 1),
  inputTokens: 1000,
  outputTokens: 200,
  cachedTokens: 0,
  cacheWriteTokens: 0,
  cacheWrite1hTokens: 0,
  reasoningTokens: 0,
  durationMs: undefined,
  ...given,
});
