import { expect } from 'vitest';
import type { TestDatabase } from '../support/database.ts';

const usageDimensions = ['model', 'layer', 'provider', 'operation', 'agent', 'team', 'project'];
const widths = { quarter: '15 minutes', hour: '1 hour', day: '1 day' };

/** Expects every level and margin to have what the rows have that say that they are rolled up. */
export async function expectUsageExact(
  database: TestDatabase,
  levels: readonly string[] = Object.keys(widths),
): Promise<void> {
  const margins: [string, string[]][] = [
    ['all', []],
    ['series', usageDimensions],
    ...usageDimensions.map((name): [string, string[]] => [name, [name]]),
  ];
  for (const [level, width] of Object.entries(widths)) {
    if (!levels.includes(level)) continue;
    for (const [margin, dimensions] of margins) {
      const names = dimensions.map((name) => `, ${name}`).join('');
      const raw = await database.rows(ofRows(level, width, names));
      const rolled = await database.rows(ofLevel(level, margin, names));
      expect(rolled, `${level} ${margin}`).toEqual(raw);
    }
  }
}

const finite = (column: string) =>
  `case when ${column} not in ('NaN', 'Infinity', '-Infinity') then ${column} end`;

const totalsOfValue = (column: string, prefix: string) => `
  count(${finite(column)}) as ${prefix}n, min(${finite(column)}) as ${prefix}min,
  max(${finite(column)}) as ${prefix}max, count(*) filter (where ${column} = 'NaN') as ${prefix}nans,
  count(*) filter (where ${column} = 'Infinity') as ${prefix}positive_infinities`;

const ofRows = (level: string, width: string, names: string) => `
  select date_bin('${width}', "timestamp", timestamptz '2000-01-01 00:00:00+00') as bucket ${names},
    count(*) as requests, ${totalsOfValue('duration_ms', 'duration_')},
    ${totalsOfValue('time_to_first_token_ms', 'first_token_')},
    coalesce(sum(prompt_tokens), 0)::text as input_tokens,
    coalesce(sum(completion_tokens), 0)::text as output_tokens,
    coalesce(sum(cached_tokens), 0)::text as cached_tokens,
    coalesce(sum(cache_write_tokens), 0)::text as cache_write_tokens,
    coalesce(sum(cache_write_1h_tokens), 0)::text as cache_write_1h_tokens,
    coalesce(sum(reasoning_tokens), 0)::text as reasoning_tokens,
    coalesce(sum(coalesce(prompt_tokens, 0) + coalesce(completion_tokens, 0))
      filter (where cost is null), 0)::text as unpriced_tokens,
    (count(*) filter (where cost is null))::text as unpriced,
    (count(*) filter (where ambiguous))::text as ambiguous,
    (count(*) filter (where error_type <> '' or status not in ('', 'OK')))::text as errors,
    trim_scale(coalesce(sum(cost), 0))::text as cost_usd
  from (
    select *, case when cost_usd not in ('NaN', 'Infinity', '-Infinity') then cost_usd end as cost
    from usage_stats
  ) as usage
  where rolled is not false and ('${level}' = 'quarter' or "timestamp" < (select settled_at from rollup_state))
  group by bucket ${names} order by bucket ${names}`;

const totals = (prefix: string) => `
  sum(${prefix}n)::bigint as ${prefix}n, min(${prefix}min) as ${prefix}min, max(${prefix}max) as ${prefix}max,
  sum(${prefix}nans)::bigint as ${prefix}nans,
  sum(${prefix}positive_infinities)::bigint as ${prefix}positive_infinities`;
const sums = [
  'input_tokens',
  'output_tokens',
  'cached_tokens',
  'cache_write_tokens',
  'cache_write_1h_tokens',
  'reasoning_tokens',
  'unpriced_tokens',
  'unpriced',
  'ambiguous',
  'errors',
  'cost_usd',
];

const ofLevel = (level: string, margin: string, names: string) => `
  select bucket ${names}, sum(requests)::bigint as requests,
    ${totals('duration_')}, ${totals('first_token_')},
    ${sums.map((name) => `trim_scale(sum(${name}))::text as ${name}`).join(', ')}
  from usage_rollup_${level} join usage_series on id = series
  where margin = '${margin}' group by bucket ${names} having sum(requests) <> 0
  order by bucket ${names}`;
