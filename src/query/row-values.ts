import { type RawBuilder, sql } from 'kysely';
import { usOf } from './ask/instants.ts';

/**
 * Passes over an endless time and one that a number of microseconds can't hold, as an older
 * service may have written.
 */
export const hasShownTime = sql<boolean>`
  "timestamp" >= timestamptz '1700-01-01 UTC' and "timestamp" < timestamptz '2250-01-01 UTC'`;

/** A number that JSON can show: an older service may have written NaN. */
export function finite(
  column: 'value' | 'duration_ms' | 'time_to_first_token_ms',
): RawBuilder<number | null> {
  return sql<number | null>`
    (case when ${sql.ref(column)} not in ('NaN', 'Infinity', '-Infinity') then ${sql.ref(column)} end)`;
}

/** When a row was stored, in microseconds; its own time where an older service has written nonsense. */
export const observedUs: RawBuilder<number> = usOf(sql`
  case when observed_at >= timestamptz '1700-01-01 UTC' and observed_at < timestamptz '2250-01-01 UTC'
    then observed_at else "timestamp" end`);
