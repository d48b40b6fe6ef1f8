import { Random } from '../../test/chaos/random.ts';

/** What the collector has to do for a record: only store it, also price it, also claim its call. */
export const usageShapes = ['stored', 'priced', 'claimed'] as const;
export type UsageShape = (typeof usageShapes)[number];

/** One usage record as JSON has it. */
export interface BenchUsage {
  readonly model: string;
  readonly layer: string;
  readonly provider: string;
  readonly operation: string;
  readonly input_tokens: number;
  readonly output_tokens: number;
  readonly cached_tokens: number;
  readonly duration_ms: number;
  readonly session_id: string;
  readonly user_id: string;
  readonly response_id?: string;
}

/** Of models that the price list has; a provider that nobody knows makes them unpriced. */
const models = [
  ['openai', 'gpt-4o-mini'],
  ['openai', 'gpt-4o'],
  ['anthropic', 'claude-sonnet-4-5'],
  ['anthropic', 'claude-haiku-4-5'],
] as const;
const unknownProviders = { openai: 'elsewh', anthropic: 'elsewhere' } as const;

/** In place of the id of an answer, which is another for each record that is sent. */
export const idPlaceholder = '0'.repeat(36);

/** Calls such as agents make; the same seed gives the same ones, of the same length in each shape. */
export function generateUsage(count: number, seed: number, shape: UsageShape): BenchUsage[] {
  const random = new Random(seed);
  return Array.from({ length: count }, () => {
    const [provider, model] = random.pick(models);
    const input = random.between(200, 20_000);
    return {
      model,
      layer: 'L2',
      provider: shape === 'stored' ? unknownProviders[provider] : provider,
      operation: 'chat',
      input_tokens: input,
      output_tokens: random.between(10, 2000),
      cached_tokens: random.between(0, input),
      duration_ms: random.between(300, 30_000),
      session_id: `session-${random.between(1000, 9999)}`,
      user_id: `user-${random.between(100, 999)}`,
      ...(shape === 'claimed' && { response_id: idPlaceholder }),
    };
  });
}

/** An id of an answer that nobody has had: of a new batch, and a place in it. */
export const newResponseId = (batchId: string, index: number): string =>
  `${batchId.slice(0, 28)}-${String(index).padStart(7, '0')}`;
