import { type RawBuilder, sql } from 'kysely';

/** Times that queries show, and that are rolled up: an older service may have written others. */
export const isRolledTime = (column: RawBuilder<unknown>): RawBuilder<boolean> => sql`
  ${column} >= timestamptz '1700-01-01 UTC' and ${column} < timestamptz '2250-01-01 UTC'`;
