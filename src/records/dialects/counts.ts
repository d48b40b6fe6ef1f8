/** Counts as an emitter has them. */
export interface RawCounts {
  readonly input: number;
  readonly output: number;
  readonly cached?: number | undefined;
  readonly cacheWrite?: number | undefined;
  readonly reasoning?: number | undefined;
  /** Of everything, where it says one. */
  readonly total?: number | undefined;
}

export interface Counts {
  readonly input_tokens: number;
  readonly output_tokens: number;
  readonly cached_tokens?: number;
  readonly cache_write_tokens?: number;
  readonly reasoning_tokens?: number;
}

/** Counts; where they had to be guessed, from what. */
export interface ReadCounts {
  readonly counts: Counts;
  readonly guessedFrom?: RawCounts;
}

const isCount = (count: number | undefined): count is number => count !== undefined && count > 0;

function withParts(input: number, output: number, raw: RawCounts): Counts {
  return {
    input_tokens: input,
    output_tokens: output,
    ...(isCount(raw.cached) ? { cached_tokens: raw.cached } : {}),
    ...(isCount(raw.cacheWrite) ? { cache_write_tokens: raw.cacheWrite } : {}),
    ...(isCount(raw.reasoning) ? { reasoning_tokens: raw.reasoning } : {}),
  };
}

/** Of emitters whose parts are inside: cached ones in the input, reasoning in the output. */
export const insideCounts = (raw: RawCounts): ReadCounts => ({
  counts: withParts(raw.input, raw.output, raw),
});

/** Of emitters whose input is without what the cache has read or written. */
export function besideCounts(raw: RawCounts): ReadCounts {
  const { input, output, cached = 0, cacheWrite = 0 } = raw;
  return { counts: withParts(input + cached + cacheWrite, output, raw) };
}

/**
 * Of emitters that nobody can speak for: parts are inside, as the conventions have it, unless a
 * part is greater than its whole. Then it is beside it, which is a guess.
 */
export function likelyCounts(raw: RawCounts): ReadCounts {
  const { input, output, cached = 0, cacheWrite = 0, reasoning = 0 } = raw;
  const isCacheBeside = cached + cacheWrite > input;
  const isReasoningBeside = reasoning > output;
  const whole = isCacheBeside ? input + cached + cacheWrite : input;
  const counts = withParts(whole, isReasoningBeside ? output + reasoning : output, raw);
  return isCacheBeside || isReasoningBeside ? { counts, guessedFrom: raw } : { counts };
}

/**
 * Of Gemini: cached inside the input, thoughts beside the output unless the total says otherwise,
 * and what tools put into the prompt beside it.
 */
export function geminiCounts(raw: RawCounts, tool: number): ReadCounts {
  const { input, output, reasoning = 0, total } = raw;
  const isInside = total !== undefined && total > 0 && input + output + reasoning > total;
  const counts = withParts(input + tool, isInside ? output : output + reasoning, raw);
  return { counts };
}
