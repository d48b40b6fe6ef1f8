import type { UsageCall } from './cost.ts';

/** What of a stored usage record decides its cost, by its columns in `usage_stats`. */
export const costColumns = [
  'model',
  'provider',
  'service_tier',
  'prompt_tokens',
  'completion_tokens',
  'cached_tokens',
  'cache_write_tokens',
  'cache_write_1h_tokens',
  'reasoning_tokens',
  'duration_ms',
] as const;

type TextColumn = 'model' | 'provider' | 'service_tier';

/** A row of these; other writers leave out what they do not know. */
export type CostRow = {
  readonly [Column in (typeof costColumns)[number]]:
    | (Column extends TextColumn ? string : number)
    | null;
} & { readonly time_ms: number };

export const storedCall = (row: CostRow): UsageCall => ({
  provider: row.provider ?? '',
  model: row.model ?? '',
  serviceTier: row.service_tier ?? '',
  timeMs: row.time_ms,
  inputTokens: row.prompt_tokens ?? 0,
  outputTokens: row.completion_tokens ?? 0,
  cachedTokens: row.cached_tokens ?? 0,
  cacheWriteTokens: row.cache_write_tokens ?? 0,
  cacheWrite1hTokens: row.cache_write_1h_tokens ?? 0,
  reasoningTokens: row.reasoning_tokens ?? 0,
  durationMs: row.duration_ms ?? undefined,
});
