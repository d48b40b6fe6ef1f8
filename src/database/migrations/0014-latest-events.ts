import { type Kysely, sql } from 'kysely';
import { dropReplacedIndexes } from '../later-indexes.ts';
import type { Database } from '../schema.ts';

/**
 * Finds the latest events of a component and type by an index that is smaller than that with times,
 * which goes where no partition needs it. Partitions of before get theirs in the background.
 */
export async function up(db: Kysely<unknown>): Promise<void> {
  const [whole, part] = [
    'system_telemetry_component_type_idx',
    'system_telemetry_default_component_type_idx',
  ];
  const { rows } = await sql`
    select from pg_class join pg_namespace as space on space.oid = relnamespace
    where nspname = current_schema() and relname = ${whole}`.execute(db);
  if (rows.length > 0) return;
  const what = sql`(component, event_type)`;
  await sql`create index ${sql.ref(whole)} on only system_telemetry ${what}`.execute(db);
  await sql`create index if not exists ${sql.ref(part)} on system_telemetry_default ${what}`.execute(
    db,
  );
  await sql`alter index ${sql.ref(whole)} attach partition ${sql.ref(part)}`.execute(db);
  await dropReplacedIndexes(db as Kysely<Database>);
}
