import { type RawBuilder, sql } from 'kysely';
import { hasCost } from '../ask/filters.ts';
import { finite } from '../row-values.ts';
import type { Measure, Measured } from './measures.ts';

const tokens = sql`(coalesce(prompt_tokens, 0)::numeric + coalesce(completion_tokens, 0))`;
const count = (
  name: string,
  ofRow: RawBuilder<unknown>,
  ofRollup: RawBuilder<unknown> = sql.ref(name),
): Measure => ({
  ofRollup,
  name,
  how: 'count',
  ofRow,
});

const latency = (name: string, value: RawBuilder<number | null>): Measure[] => [
  count(`${name}_n`, sql`(${value} is not null)::int`),
  { name: `${name}_sum`, how: 'double', ofRow: value },
  { name: `${name}_min`, how: 'min', ofRow: value },
  { name: `${name}_max`, how: 'max', ofRow: value },
];

const [duration, firstToken] = [finite('duration_ms'), finite('time_to_first_token_ms')];

export const usageMeasures: Measured = {
  measures: [
    count('requests', sql`1`),
    count(
      'errors',
      sql`(coalesce(error_type, '') <> '' or coalesce(status, '') not in ('', 'OK'))::int`,
    ),
    count('input_tokens', sql`prompt_tokens`),
    count('output_tokens', sql`completion_tokens`),
    count('cached_tokens', sql`cached_tokens`),
    count('cache_write_tokens', sql`cache_write_tokens`),
    count('reasoning_tokens', sql`reasoning_tokens`),
    count('total_tokens', tokens, sql`input_tokens + output_tokens`),
    { name: 'cost_usd', how: 'decimal', ofRow: sql`case when ${hasCost} then cost_usd end` },
    count('unpriced', sql`(not ${hasCost})::int`),
    count('unpriced_tokens', sql`case when not ${hasCost} then ${tokens} end`),
    count('ambiguous', sql`coalesce(ambiguous, false)::int`),
    ...latency('duration', duration),
    ...latency('first_token', firstToken),
  ],
  quantified: [
    { name: 'duration', ofRow: duration },
    { name: 'first_token', ofRow: firstToken },
  ],
};
