import { type Kysely, type RawBuilder, sql } from 'kysely';

const values = { event: [''], usage: ['duration_', 'first_token_'] };

/**
 * Each sketch once more in one piece, as bytes that are joined without being taken apart; null where
 * a collector of the release before has written the row.
 */
export async function up(db: Kysely<unknown>): Promise<void> {
  for (const [kind, prefixes] of Object.entries(values)) {
    for (const level of ['quarter', 'hour', 'day']) {
      const changes = prefixes.flatMap((prefix) => newColumn(sql.ref(`${prefix}cells`)));
      const table = sql.table(`${kind}_rollup_${level}`);
      await sql`alter table ${table} ${sql.join(changes)}`.execute(db);
    }
  }
  // Before that, hours and days of before are written in the background, the newest first.
  await sql`
    alter table rollup_state
      add column if not exists cells_from timestamptz not null default 'infinity'`.execute(db);
}

/** Compressing it would cost more than it takes: numbers of few bits each. */
const newColumn = (name: RawBuilder<unknown>) => [
  sql`add column if not exists ${name} bytea`,
  sql`alter column ${name} set storage main`,
];
