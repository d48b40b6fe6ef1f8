import { type RawBuilder, sql } from 'kysely';
import { finite } from '../row-values.ts';
import type { Measured } from './measures.ts';

/** A whole number of the metadata, as rollups sum it up. */
const wholeInMetadata = (name: string): RawBuilder<number | null> => sql`
  (case when jsonb_typeof(metadata -> ${sql.lit(name)}) = 'number' then
    least(greatest(trunc((metadata ->> ${sql.lit(name)})::numeric), -9007199254740991), 9007199254740991)
    end)`;

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
    { name: 'tokens_generated', how: 'count', ofRow: wholeInMetadata('tokens_generated') },
    { name: 'total_tokens', how: 'count', ofRow: wholeInMetadata('total_tokens') },
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
