import { type RawBuilder, sql } from 'kysely';
import type { tables } from '../records/tables.ts';

/** What of records is added up exactly. */
export interface CountedSum {
  readonly name: string;
  /** Whole numbers of 64 bits; records that are something; or decimals. */
  readonly type: 'whole' | 'flag' | 'decimal';
  /** Of a row of this table or query: null, 0 or false where nothing is added. */
  readonly of: (source: string) => RawBuilder<unknown>;
  /** Whether a total of nothing is null, and not 0. */
  readonly nullable?: true;
}

/** Whether something has not gone well, by its status; of what has none, nobody knows. */
export const isNotOk = (status: RawBuilder<unknown>): RawBuilder<boolean> =>
  sql`(coalesce(${status}, '') not in ('', 'OK'))`;

/** Beyond it a number in JSON is no longer exact. */
const exactMax = sql.lit(Number.MAX_SAFE_INTEGER);

/** A whole number of a record's metadata, as `MetadataSums` reads it. */
export function metadataNumber(name: string): CountedSum {
  const of = (source: string) => {
    const metadata = sql.ref(`${source}.metadata`);
    return sql`(case when jsonb_typeof(${metadata} -> ${sql.lit(name)}) = 'number' then
      least(greatest(trunc((${metadata} ->> ${sql.lit(name)})::numeric), -${exactMax}), ${exactMax})
      end)`;
  };
  return { name, type: 'whole', of, nullable: true };
}

/** The name of a sum of usage records, and the column that it is of. */
export const tokenColumns = {
  input_tokens: 'prompt_tokens',
  output_tokens: 'completion_tokens',
  cached_tokens: 'cached_tokens',
  cache_write_tokens: 'cache_write_tokens',
  cache_write_1h_tokens: 'cache_write_1h_tokens',
  reasoning_tokens: 'reasoning_tokens',
} as const;
type UsageColumn = (typeof tables.usage.columns)[number];

const tokens = Object.entries(tokenColumns).map(
  ([name, column]): CountedSum => ({
    name,
    type: 'whole',
    of: (source) => sql`${sql.ref(`${source}.${column satisfies UsageColumn}`)}`,
  }),
);

/** Whether a cost is a number: other writers may have left something else. */
export const isCost = (cost: RawBuilder<unknown>): RawBuilder<boolean> =>
  sql`coalesce(${cost} not in ('NaN', 'Infinity', '-Infinity'), false)`;
const cost = (source: string) => sql.ref(`${source}.cost_usd`);
const hasCost = (source: string) => isCost(cost(source));
const int8Max = sql`9223372036854775807`;

/**
 * Of usage records. What has no cost is counted with its tokens, so that nobody takes the sum of
 * costs for all of it.
 */
export const usageSums: readonly CountedSum[] = [
  ...tokens,
  {
    name: 'unpriced_tokens',
    type: 'whole',
    of: (source) => sql`(case when not ${hasCost(source)} then least(
      coalesce(${sql.ref(`${source}.prompt_tokens`)}, 0)::numeric
        + coalesce(${sql.ref(`${source}.completion_tokens`)}, 0), ${int8Max}) end)`,
  },
  { name: 'unpriced', type: 'flag', of: (source) => sql`(not ${hasCost(source)})` },
  { name: 'ambiguous', type: 'flag', of: (source) => sql.ref(`${source}.ambiguous`) },
  {
    name: 'errors',
    type: 'flag',
    of: (source) => sql`(coalesce(${sql.ref(`${source}.error_type`)}, '') <> ''
      or ${isNotOk(sql.ref(`${source}.status`))})`,
  },
  {
    name: 'cost_usd',
    type: 'decimal',
    of: (source) => sql`(case when ${hasCost(source)} then ${cost(source)} end)`,
  },
];
