import { type Kysely, sql } from 'kysely';
import { createAnalysts } from './0012-analysts.ts';

/** What collectors say of themselves, and what analysts ask in SQL: docs/analysts.md. */
export async function up(db: Kysely<unknown>): Promise<void> {
  await sql`
    create table if not exists telemetry_collectors (
      collector uuid primary key,
      seen_at timestamptz not null default now(),
      status jsonb not null
    )`.execute(db);
  await createAnalysts(db);
}
