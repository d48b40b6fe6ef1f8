import { sql } from 'kysely';
import { usOf } from '../ask/instants.ts';
import type { Measured } from './measures.ts';

/** How many records there are of something, which rollups call `count`, and when it was seen last. */
export const seenMeasures = (count: string): Measured => ({
  measures: [
    { name: 'records', how: 'count', ofRow: sql`1`, ofRollup: sql.ref(count) },
    {
      name: 'last_us',
      how: 'max',
      ofRow: usOf(sql`"timestamp"`),
      // When its quarter hour, hour or day began.
      ofRollup: usOf(sql`period`),
    },
  ],
  quantified: [],
});
