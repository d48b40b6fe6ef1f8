import { type RawBuilder, sql } from 'kysely';
import { usageShape } from '../../rollup/shapes.ts';
import { finite } from '../row-values.ts';
import { type Measure, type Measured, sumOfRow } from './measures.ts';

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

/** As rollups sum it up. */
const sumOf = sumOfRow(usageShape);
const summed = (name: string): Measure => count(name, sumOf(name));

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
    summed('errors'),
    summed('input_tokens'),
    summed('output_tokens'),
    summed('cached_tokens'),
    summed('cache_write_tokens'),
    summed('reasoning_tokens'),
    count(
      'total_tokens',
      sql`(coalesce(prompt_tokens, 0)::numeric + coalesce(completion_tokens, 0))`,
      sql`input_tokens + output_tokens`,
    ),
    { name: 'cost_usd', how: 'decimal', ofRow: sumOf('cost_usd') },
    summed('unpriced'),
    summed('unpriced_tokens'),
    summed('ambiguous'),
    ...latency('duration', duration),
    ...latency('first_token', firstToken),
  ],
  quantified: [
    { name: 'duration', ofRow: duration },
    { name: 'first_token', ofRow: firstToken },
  ],
};
