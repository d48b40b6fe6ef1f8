import { type Kysely, sql } from 'kysely';
import { createLevel, createSeries, markRows } from './0007-event-rollups.ts';

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

/** What is rolled up of usage records: docs/rollups.md. The release before writes on beside it. */
export async function up(db: Kysely<unknown>): Promise<void> {
  await createSeries(db, 'usage_series', [
    'model',
    'layer',
    'provider',
    'operation',
    'agent',
    'team',
    'project',
  ]);
  for (const level of ['quarter', 'hour', 'day']) {
    await createLevel(db, `usage_rollup_${level}`, {
      count: 'requests',
      values: ['duration_', 'first_token_'],
      sums: sql.join(sums.map((name) => sql`${sql.ref(name)} numeric not null default 0`)),
    });
  }
  // Quarter hours from which an extreme was taken away, and which are computed anew.
  await sql`
    create table if not exists rollup_repairs (
      kind text not null,
      bucket timestamptz not null,
      noted_at timestamptz not null default now(),
      primary key (kind, bucket)
    )`.execute(db);
  await markRows(db, 'usage_stats', 'usage');
}
