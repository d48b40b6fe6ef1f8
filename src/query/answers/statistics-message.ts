import {
  type Statistics,
  StatisticsSchema,
} from '../../../gen/typescript/gravitas/telemetry/v1/answer_pb.js';
import { decimalMean } from '../decimal-mean.ts';
import { filled } from '../messages.ts';
import type { Totals } from '../totals/places.ts';
import { quantileFields } from './quantile-fields.ts';

/** Statistics of the values of events; quantiles where cells were read. */
export function statisticsMessage({ sums, cells }: Totals): Statistics {
  const { min = null, max = null, sum = null } = sums;
  const values = sums.n ?? 0;
  return filled(StatisticsSchema, {
    count: BigInt(sums.records ?? 0),
    values: BigInt(values),
    sum: values === 0 || sum === null ? undefined : sum,
    mean: decimalMean(sum ?? 0, values) ?? undefined,
    min: min ?? undefined,
    max: max ?? undefined,
    ...quantileFields(cells[0], min, max),
    tokensGenerated: whole(sums.tokens_generated) ?? undefined,
    totalTokens: whole(sums.total_tokens) ?? undefined,
    notOk: BigInt(sums.not_ok ?? 0),
  });
}

export const whole = (sum: number | null | undefined): bigint | null =>
  sum === null || sum === undefined ? null : BigInt(sum);

/** Groups as answers have them: what is null is left out. */
export function groupMap(
  names: readonly { readonly name: string }[],
  group: readonly (string | null)[],
): Record<string, string> {
  const entries = names.map(({ name }, index) => [name, group[index]] as const);
  return Object.fromEntries(entries.filter((entry): entry is [string, string] => entry[1] != null));
}
