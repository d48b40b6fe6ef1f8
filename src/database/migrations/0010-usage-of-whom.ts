import { type Kysely, sql } from 'kysely';

/**
 * Finds what a user or a session has used: there are too many of them to be rolled up. Partitions of
 * before get their parts in the background.
 */
export async function up(db: Kysely<unknown>): Promise<void> {
  for (const [name, column] of [
    ['user', 'user_id'],
    ['session', 'session_id'],
  ] as const) {
    const what = sql`(${sql.ref(column)}, "timestamp") where ${sql.ref(column)} is not null`;
    const [whole, part] = [`usage_stats_${name}_idx`, `usage_stats_default_${name}_idx`];
    if (await isIndexed(db, whole)) continue;
    await sql`create index ${sql.ref(whole)} on only usage_stats ${what}`.execute(db);
    await sql`create index if not exists ${sql.ref(part)} on usage_stats_default ${what}`.execute(
      db,
    );
    await sql`alter index ${sql.ref(whole)} attach partition ${sql.ref(part)}`.execute(db);
  }
}

async function isIndexed(db: Kysely<unknown>, index: string): Promise<boolean> {
  const { rows } = await sql`
    select from pg_class join pg_namespace as space on space.oid = relnamespace
    where nspname = current_schema() and relname = ${index}`.execute(db);
  return rows.length > 0;
}
