import type { Unpriced } from '../records/cost-source.ts';
import { divide } from './decimal.ts';
import type { Price, Rate, TimePrice, TokenPart, TokenPrice } from './price.ts';

/** What of a usage record decides its cost. */
export interface UsageCall {
  /** As it was sent; '' for none. */
  provider: string;
  model: string;
  /** '' for the standard one. */
  serviceTier: string;
  /** Since 1970. */
  timeMs: number;
  /** Cached and written ones included. */
  inputTokens: number;
  /** Reasoning ones included. */
  outputTokens: number;
  cachedTokens: number;
  /** Those kept an hour included. */
  cacheWriteTokens: number;
  cacheWrite1hTokens: number;
  reasoningTokens: number;
  durationMs: number | undefined;
}

/** One summand of a cost, in 10^-18 dollars: how many of what, at how much each. */
export interface CostPart {
  readonly what: TokenPart | 'request' | 'milliseconds';
  readonly quantity: number;
  /** Of one; of `milliseconds` of an hour. */
  readonly price: bigint;
  readonly amount: bigint;
}

/** Longer calls, of thirty years, are nonsense. */
const durationMsMax = 1e12;
const hourUs = 3_600_000_000n;

/** Whether its counts contradict each other: a part is greater than its whole. */
export const isAmbiguous = (call: UsageCall): boolean =>
  Math.min(call.inputTokens, call.outputTokens, call.cachedTokens, call.cacheWriteTokens) < 0 ||
  call.cachedTokens + call.cacheWriteTokens > call.inputTokens ||
  call.cacheWrite1hTokens > call.cacheWriteTokens ||
  call.cacheWrite1hTokens < 0 ||
  call.reasoningTokens > call.outputTokens ||
  call.reasoningTokens < 0;

/** The summands of what a call costs, whose counts do not contradict each other. */
export function costParts(call: UsageCall, price: Price): readonly CostPart[] | Unpriced {
  return price.by === 'time' ? timeParts(call, price) : tokenCostParts(call, price);
}

export function sumOf(parts: readonly CostPart[]): bigint {
  let sum = 0n;
  for (const { amount } of parts) sum += amount;
  return sum;
}

function timeParts({ durationMs }: UsageCall, { perHour }: TimePrice) {
  if (durationMs === undefined || !(durationMs >= 0 && durationMs <= durationMsMax)) {
    return 'no_duration';
  }
  const amount = divide(BigInt(Math.round(durationMs * 1000)) * perHour, hourUs);
  return [{ what: 'milliseconds', quantity: durationMs, price: perHour, amount } as const];
}

function tokenCostParts(call: UsageCall, { rates, request }: TokenPrice) {
  const { inputTokens, outputTokens, cachedTokens, cacheWriteTokens, cacheWrite1hTokens } = call;
  if (inputTokens === 0 && outputTokens === 0) return 'no_tokens';
  const parts: CostPart[] = [];
  let priced = true;
  const add = (what: TokenPart, quantity: number, rate: Rate | undefined) => {
    if (quantity === 0) return;
    if (!rate) {
      priced = false;
      return;
    }
    const price = rateOf(rate, inputTokens);
    parts.push({ what, quantity, price, amount: BigInt(quantity) * price });
  };
  const write = rates.cache_write ?? rates.input;
  const reasoning = rates.reasoning ? call.reasoningTokens : 0;
  add('input', inputTokens - cachedTokens - cacheWriteTokens, rates.input);
  add('cached', cachedTokens, rates.cached ?? rates.input);
  add('cache_write', cacheWriteTokens - cacheWrite1hTokens, write);
  add('cache_write_1h', cacheWrite1hTokens, rates.cache_write_1h ?? write);
  add('output', outputTokens - reasoning, rates.output);
  add('reasoning', reasoning, rates.reasoning);
  if (!priced) return 'no_price';
  if (request > 0n) {
    parts.push({ what: 'request', quantity: 1, price: request, amount: request });
  }
  return parts;
}

function rateOf({ base, tiers }: Rate, inputTokens: number): bigint {
  let price = base;
  for (const tier of tiers) if (inputTokens > tier.over) price = tier.price;
  return price;
}
