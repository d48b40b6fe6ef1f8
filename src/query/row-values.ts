import { type RawBuilder, sql } from 'kysely';
import { isRolledTime } from '../database/rolled-time.ts';
import { finite as finiteOf } from '../rollup/shapes.ts';
import { usOf } from './ask/instants.ts';

/** Rows of other times, as an older service may have written them, are passed over. */
export const hasShownTime = isRolledTime(sql.ref('timestamp'));

/** A number that adds up: an older service may have written NaN. */
export const finite = (column: 'value' | 'duration_ms' | 'time_to_first_token_ms') =>
  finiteOf(sql.ref(column));

/** One that JSON can show. */
export const shownNumber = (value: number | null): number | null =>
  value === null || Number.isFinite(value) ? value : null;

/** When a row was stored, in microseconds; its own time where an older service has written nonsense. */
export const observedUs: RawBuilder<number> = usOf(sql`
  case when ${isRolledTime(sql.ref('observed_at'))} then observed_at else "timestamp" end`);
