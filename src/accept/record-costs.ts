import type { UsageCall } from '../prices/cost.ts';
import type { Pricer } from '../prices/pricer.ts';
import type { CostCounts, CostOutcome } from '../records/cost-source.ts';
import { slotOf } from '../records/fields.ts';
import type { RecordValues } from '../records/record-values.ts';

const slot = (name: string) => slotOf('usage', name);
const slots = {
  time: slot('timestamp'),
  provider: slot('provider'),
  model: slot('model'),
  tier: slot('service_tier'),
  input: slot('input_tokens'),
  output: slot('output_tokens'),
  cached: slot('cached_tokens'),
  cacheWrite: slot('cache_write_tokens'),
  cacheWrite1h: slot('cache_write_1h_tokens'),
  reasoning: slot('reasoning_tokens'),
  duration: slot('duration_ms'),
  cost: slot('cost_usd'),
  source: slot('cost_source'),
};

const none: CostCounts = {};

/** Gives the usage records of batches the costs that their clients did not. */
export class RecordCosts {
  counts: CostCounts = none;
  readonly #pricer: Pricer | undefined;
  readonly #call = {} as UsageCall;
  #nowMs = 0;

  constructor(pricer: Pricer | undefined) {
    this.#pricer = pricer;
  }

  /** A batch begins. */
  begin(nowMs: number): void {
    this.counts = none;
    this.#nowMs = nowMs;
  }

  /** After its fingerprint is taken: another list makes no other record. */
  complete({ values }: RecordValues): void {
    if (!this.#pricer) return;
    const outcome = values[slots.cost] === undefined ? this.#price(values, this.#pricer) : 'client';
    if (this.counts === none) this.counts = {};
    this.counts[outcome] = (this.counts[outcome] ?? 0) + 1;
  }

  #price(values: RecordValues['values'], pricer: Pricer): CostOutcome {
    const call = this.#call;
    const count = (slot: number) => values[slot] as number;
    const time = values[slots.time] as number | undefined;
    call.timeMs = time === undefined ? this.#nowMs : time / 1000;
    call.provider = values[slots.provider] as string;
    call.model = values[slots.model] as string;
    call.serviceTier = values[slots.tier] as string;
    call.inputTokens = count(slots.input);
    call.outputTokens = count(slots.output);
    call.cachedTokens = count(slots.cached);
    call.cacheWriteTokens = count(slots.cacheWrite);
    call.cacheWrite1hTokens = count(slots.cacheWrite1h);
    call.reasoningTokens = count(slots.reasoning);
    call.durationMs = values[slots.duration] as number | undefined;
    const priced = pricer.price(call);
    if (typeof priced === 'string') return priced;
    values[slots.cost] = priced.cost;
    values[slots.source] = priced.source;
    return priced.kind;
  }
}
