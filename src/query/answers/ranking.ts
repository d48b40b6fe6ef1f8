import { type RawBuilder, sql } from 'kysely';
import { ServiceError } from '../../errors.ts';
import type { RecordKind } from '../../records/tables.ts';
import { aggregate, type Measured } from '../totals/measures.ts';

/** What groups can be ordered by, and the measure that it is. */
const names: Readonly<Record<RecordKind, Readonly<Record<string, string>>>> = {
  event: {
    count: 'records',
    values: 'n',
    sum: 'sum',
    mean: 'sum',
    min: 'min',
    max: 'max',
    p50: 'records',
    p95: 'records',
    p99: 'records',
    tokens_generated: 'tokens_generated',
    total_tokens: 'total_tokens',
    not_ok: 'not_ok',
  },
  usage: {
    total_tokens: 'total_tokens',
    cost_usd: 'cost_usd',
    requests: 'requests',
    errors: 'errors',
    input_tokens: 'input_tokens',
    output_tokens: 'output_tokens',
    unpriced: 'unpriced',
  },
};

/** The share of the quantile that groups are ordered by; undefined where it is none. */
export const quantileOrder = (orderBy: string): number | undefined =>
  /^p\d\d$/.test(orderBy) ? Number(orderBy.slice(1)) / 100 : undefined;

/** By what groups come first. Of a quantile, those that have the most events are looked at. */
export function rankBy(
  kind: RecordKind,
  { measures }: Measured,
  orderBy: string,
): RawBuilder<unknown> {
  const known = names[kind];
  const [first] = Object.keys(known) as [string];
  const name = known[orderBy || first];
  const measure = measures.find((each) => each.name === name);
  if (!measure) {
    const reason = `order_by is ${JSON.stringify(orderBy)}, none of ${Object.keys(known).join(', ')}`;
    throw new ServiceError('invalid', reason, { field: 'order_by' });
  }
  const column = aggregate(measure);
  return orderBy === 'mean' ? sql`${column} / nullif(sum(n), 0)` : column;
}
