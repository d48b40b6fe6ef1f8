import type { JsonObject } from '@bufbuild/protobuf';
import { Random } from '../../test/chaos/random.ts';

/** One event as the RFC's flat JSON has it. */
export interface BenchEvent {
  readonly event_type: string;
  readonly component: string;
  readonly value: number;
  readonly metadata: JsonObject;
  readonly status: string;
}

const models = ['qwen2.5-coder-7b', 'gemma2-9b', 'llama3.1-8b', 'gpt-4o-mini', 'deepseek-v3'];
const layers = ['L1', 'L2', 'L3'];

/**
 * Events such as the application logs; the same seed gives the same ones. `components`: how many
 * there are altogether, of which each seed has others; 0: those of the application.
 */
export function generateEvents(count: number, seed: number, components = 0): BenchEvent[] {
  const random = new Random(seed);
  const events = Array.from({ length: count }, () => generateEvent(random));
  if (components === 0) return events;
  return events.map((event, index) => ({
    ...event,
    component: `component-${(seed * count + index) % components}`,
  }));
}

function generateEvent(random: Random): BenchEvent {
  const kind = random.next();
  if (kind < 0.5) return thoughtLatency(random);
  return kind < 0.95 ? vramCheck(random) : loadLatency(random);
}

function thoughtLatency(random: Random): BenchEvent {
  const model = random.pick(models);
  const generated = random.between(10, 900);
  const prompt = random.between(20, 4000);
  const inferenceMs = random.between(200, 20_000);
  const perTokenMs = rounded(inferenceMs / generated);
  return {
    event_type: 'THOUGHT_LATENCY',
    component: model,
    value: perTokenMs,
    metadata: {
      model,
      inference_time_ms: inferenceMs,
      tokens_generated: generated,
      prompt_tokens: prompt,
      total_tokens: generated + prompt,
      latency_per_token_ms: perTokenMs,
    },
    status: 'OK',
  };
}

function vramCheck(random: Random): BenchEvent {
  const used = rounded(random.next() * 24);
  return {
    event_type: 'VRAM_CHECK',
    component: random.pick(layers),
    value: rounded(24 - used),
    metadata: { gpu_id: random.between(0, 3), total_vram_gb: 24, used_vram_gb: used },
    status: used > 20 ? 'WARNING' : 'OK',
  };
}

function loadLatency(random: Random): BenchEvent {
  const model = random.pick(models);
  const seconds = rounded(random.next() * 30);
  return {
    event_type: 'LOAD_LATENCY',
    component: model,
    value: seconds,
    metadata: { model, load_time_ms: Math.round(seconds * 1000) },
    status: 'OK',
  };
}

const rounded = (value: number): number => Math.round(value * 1000) / 1000;
