import { type RawBuilder, sql } from 'kysely';
import { eventShape } from '../../rollup/shapes.ts';
import { isNotOk } from '../../rollup/sums.ts';
import { finite } from '../row-values.ts';
import { type Measured, sumOfRow } from './measures.ts';

/** As rollups sum it up. */
const summed = sumOfRow(eventShape);

const notOk = 'not_ok';

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
      ofRow: sql`${isNotOk(sql.ref('status'))}::int`,
      mayBeUnknown: true,
    },
  ],
  quantified: [{ name: 'value', ofRow: value }],
});
