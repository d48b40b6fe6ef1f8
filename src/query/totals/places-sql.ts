import { type RawBuilder, sql } from 'kysely';
import type { Group } from './parts.ts';

/** Of which group, counted from 1, and 0 for all that have none; and of which part of the span. */
export interface Placed {
  readonly place: number;
  readonly bucket: number;
}

/** Groups that are told apart, in their order; or a query of them with their places. */
export type Kept = { readonly groups: readonly Group[] } | { readonly query: RawBuilder<unknown> };

/** Parts with the `place` of their group, counted from 1, and 0 for all that have none. */
export function inPlaces(
  parts: RawBuilder<unknown>,
  kept: Kept,
  dimensions: number,
): RawBuilder<unknown> {
  if (dimensions === 0 || ('groups' in kept && kept.groups.length === 0)) {
    return sql`(select 0 as place, parts.* from (${parts}) as parts)`;
  }
  const indices = Array.from({ length: dimensions }, (_, index) => index);
  // Such that it can be hashed: `is not distinct from` can't be.
  const same = indices.map((index) => {
    const [ours, theirs] = [sql.ref(`parts.g${index}`), sql.ref(`kept.k${index}`)];
    return sql`(${ours} is null) = (${theirs} is null) and coalesce(${ours}, '') = coalesce(${theirs}, '')`;
  });
  return sql`(
    select coalesce(kept.place, 0)::int as place, parts.*
    from (${parts}) as parts left join ${asTable(kept, indices)} on ${sql.join(same, sql` and `)})`;
}

function asTable(kept: Kept, indices: readonly number[]): RawBuilder<unknown> {
  const names = sql.join(indices.map((index) => sql.ref(`k${index}`)));
  if ('query' in kept) return sql`(${kept.query}) as kept (place, ${names})`;
  const lists = indices.map((index) => sql`${kept.groups.map((group) => group[index])}::text[]`);
  return sql`unnest(${sql.join(lists)}) with ordinality as kept (${names}, place)`;
}
