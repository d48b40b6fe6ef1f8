import { type RawBuilder, sql } from 'kysely';
import { eventShape } from '../../rollup/shapes.ts';
import { finite } from '../row-values.ts';
import { type Measured, sumOfRow } from './measures.ts';

/** As rollups sum it up. */
const summed = sumOfRow(eventShape);

/** Which status events have is another question to rollups than what their values are. */
export const notOk = 'not_ok';

/** `value`: the number that statistics are of. */
export const eventMeasures = (value: RawBuilder<number | null> = finite('value')): Measured => ({
  measures: [
    { name: 'records', how: 'count', ofRow: sql`1`, ofRollup: sql.ref('events') },
    { name: 'n', how: 'count', ofRow: sql`(${value} is not null)::int` },
    { name: 'sum', how: 'double', ofRow: value },
    { name: 'min', how: 'min', ofRow: value },
    { name: 'max', how: 'max', ofRow: value },
    { name: 'tokens_generated', how: 'count', ofRow: summed('tokens_generated') },
    { name: 'total_tokens', how: 'count', ofRow: summed('total_tokens') },
    {
      name: notOk,
      how: 'count',
      ofRow: sql`(coalesce(status, '') not in ('', 'OK'))::int`,
      // Of rows that have no status it is counted apart.
      ofRollup: sql`null::bigint`,
    },
  ],
  quantified: [{ name: 'value', ofRow: value }],
});
