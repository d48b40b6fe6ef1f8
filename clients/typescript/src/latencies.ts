import type { EventFields } from './records.ts';

/** What the first telemetry module logged of a model. Throws where a number is none. */

export function loadLatency(model: string, seconds: number, success: boolean): EventFields {
  return {
    component: model,
    value: seconds,
    metadata: { model, load_time_ms: seconds * 1000 },
    status: success ? 'OK' : 'ERROR',
  };
}

export function thoughtLatency(
  model: string,
  seconds: number,
  { tokensGenerated, promptTokens }: { tokensGenerated: number; promptTokens: number },
): EventFields {
  const inferenceTimeMs = seconds * 1000;
  const perTokenMs = tokensGenerated > 0 ? inferenceTimeMs / tokensGenerated : null;
  return {
    component: model,
    value: perTokenMs,
    metadata: {
      model,
      inference_time_ms: inferenceTimeMs,
      tokens_generated: tokensGenerated,
      prompt_tokens: promptTokens,
      total_tokens: promptTokens + tokensGenerated,
      latency_per_token_ms: perTokenMs,
    },
    status: 'OK',
  };
}
