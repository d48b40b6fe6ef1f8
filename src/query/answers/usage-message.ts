import type { MessageInitShape } from '@bufbuild/protobuf';
import type {
  LatencySchema,
  UsageTotalsSchema,
} from '../../../gen/typescript/gravitas/telemetry/v1/answer_pb.js';
import { decimalMean } from '../decimal-mean.ts';
import { present } from '../messages.ts';
import type { Totals } from '../totals/places.ts';
import { usageMeasures } from '../totals/usage-measures.ts';
import { quantileFields } from './quantile-fields.ts';

export function usageTotalsMessage(totals: Totals): MessageInitShape<typeof UsageTotalsSchema> {
  const { sums } = totals;
  const input = sums.input_tokens ?? 0;
  const [requests, unpriced] = [sums.requests ?? 0, sums.unpriced ?? 0];
  return {
    requests: BigInt(requests),
    errors: count(totals, 'errors'),
    ...tokenCounts(totals),
    ...present('cacheHitRate', input > 0 ? share(sums.cached_tokens ?? 0, input) : null),
    ...present('costUsd', requests > unpriced ? (sums.cost_usd ?? 0) : null),
    durationMs: latencyMessage(totals, 'duration'),
    timeToFirstTokenMs: latencyMessage(totals, 'first_token'),
  };
}

/** Of counts that contradict each other a part may be more than all of it (decision 18). */
const share = (part: number, whole: number) => Math.min(1, Math.max(0, part / whole));

/** Counts of the same names in older answers and in the newer ones. */
export const tokenCounts = (totals: Totals) => ({
  inputTokens: count(totals, 'input_tokens'),
  outputTokens: count(totals, 'output_tokens'),
  totalTokens: count(totals, 'total_tokens'),
  cachedTokens: count(totals, 'cached_tokens'),
  cacheWriteTokens: count(totals, 'cache_write_tokens'),
  reasoningTokens: count(totals, 'reasoning_tokens'),
  unpriced: count(totals, 'unpriced'),
  unpricedTokens: count(totals, 'unpriced_tokens'),
  ambiguous: count(totals, 'ambiguous'),
});

const count = ({ sums }: Totals, name: string): bigint => BigInt(sums[name] ?? 0);

function latencyMessage(
  { sums, cells }: Totals,
  name: 'duration' | 'first_token',
): MessageInitShape<typeof LatencySchema> {
  const [min, max] = [sums[`${name}_min`] ?? null, sums[`${name}_max`] ?? null];
  const n = sums[`${name}_n`] ?? 0;
  const what = usageMeasures.quantified.findIndex((each) => each.name === name);
  return {
    count: BigInt(n),
    ...present('mean', decimalMean(sums[`${name}_sum`] ?? 0, n)),
    ...present('min', min),
    ...present('max', max),
    ...quantileFields(cells[what], min, max),
  };
}
