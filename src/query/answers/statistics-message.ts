import type { MessageInitShape } from '@bufbuild/protobuf';
import type { StatisticsSchema } from '../../../gen/typescript/gravitas/telemetry/v1/answer_pb.js';
import { decimalMean } from '../decimal-mean.ts';
import { present } from '../messages.ts';
import type { Totals } from '../totals/places.ts';
import { quantileFields } from './quantile-fields.ts';

/** Statistics of the values of events; quantiles where cells were read. */
export function statisticsMessage({
  sums,
  cells,
}: Totals): MessageInitShape<typeof StatisticsSchema> {
  const { min = null, max = null, sum = null } = sums;
  const values = sums.n ?? 0;
  return {
    count: BigInt(sums.records ?? 0),
    values: BigInt(values),
    ...present('sum', values === 0 ? null : sum),
    ...present('mean', decimalMean(sum ?? 0, values)),
    ...present('min', min),
    ...present('max', max),
    ...quantileFields(cells[0], min, max),
    ...present('tokensGenerated', whole(sums.tokens_generated)),
    ...present('totalTokens', whole(sums.total_tokens)),
    notOk: BigInt(sums.not_ok ?? 0),
  };
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
