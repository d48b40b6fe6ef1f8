import { type Kysely, sql, type Transaction } from 'kysely';
import { type AdoptionState, adoptionStates } from './adoption.ts';
import { dependentsOf, relationsNamed } from './catalog.ts';
import { dataTables, findDamage } from './expected-tables.ts';
import { adoptedId, type OlderTable, openOlderTable } from './older-table.ts';
import type { Database } from './schema.ts';

export interface LegacyStatus {
  readonly adoptions: readonly AdoptionState[];
  /** What somebody should know, as sentences. */
  readonly notes: readonly string[];
}

/** How far the copying has come, or what the first start would do. */
export async function legacyStatus(db: Kysely<Database>): Promise<LegacyStatus> {
  const damage = await findDamage(db);
  const begun = !damage.some(({ table }) => table === 'adoption');
  const adoptions = begun ? await adoptionStates(db) : [];
  const foreign = damage.filter(
    ({ table, kind }) => kind === 'foreign' && dataTables.some((name) => name === table),
  );
  const notes = foreign.map(
    ({ table, reason }) =>
      `${reason}: the next start of a collector renames it to ${table}_legacy and copies its rows`,
  );
  for (const name of [...foreign.map(({ table }) => table), ...adoptions.map((a) => a.source)]) {
    const dependents = await dependentsOf(db, name);
    if (dependents.length > 0) {
      notes.push(`these refer to ${name}, and go on doing so: ${dependents.join(', ')}`);
    }
  }
  return { adoptions, notes };
}

/** What became of one older table. */
export interface Dropped {
  readonly source: string;
  readonly dropped: boolean;
  readonly reason: string;
}

/** Drops the older tables whose every row is where it belongs, and says why it keeps the others. */
export async function dropAdoptedTables(db: Kysely<Database>): Promise<Dropped[]> {
  const outcomes: Dropped[] = [];
  for (const state of await adoptionStates(db)) {
    const kept = await reasonToKeep(db, state);
    outcomes.push(
      kept ? { source: state.source, dropped: false, reason: kept } : await drop(db, state),
    );
  }
  return outcomes;
}

async function reasonToKeep(
  db: Kysely<Database>,
  { source, target, obstacle, finished_at }: AdoptionState,
): Promise<string | undefined> {
  const damage = (await findDamage(db)).find(({ table }) => table === target);
  if (damage)
    return `${damage.reason}: start a collector or run migrate, and its rows are copied again`;
  if (obstacle) return obstacle;
  if (!finished_at) return 'its rows are still being copied';
  const dependents = await dependentsOf(db, source);
  if (dependents.length > 0) return `these refer to it: ${dependents.join(', ')}`;
  return undefined;
}

async function drop(db: Kysely<Database>, { source, target }: AdoptionState): Promise<Dropped> {
  const table = await openOlderTable(db, source, 'UTC');
  return await db.transaction().execute(async (trx) => {
    // Nobody adds a row between the look and the drop.
    if (table) await sql`lock table ${sql.table(source)} in access exclusive mode`.execute(trx);
    const missing = table ? await missingRows(trx, table) : 0;
    if (missing > 0) {
      const reason = `${missing} of its rows are neither in ${target} nor among the dead letters: "legacy copy" copies them again; if they were deleted there on purpose, drop ${source} by hand`;
      return { source, dropped: false, reason };
    }
    if (table) await sql`drop table ${sql.table(source)}`.execute(trx);
    await trx
      .updateTable('adoption')
      .set({ dropped_at: new Date() })
      .where('source', '=', source)
      .execute();
    const reason = table ? `all its rows are in ${target}` : 'it was gone already';
    return { source, dropped: true, reason };
  });
}

/** Compares what is really there. */
async function missingRows(trx: Transaction<Database>, table: OlderTable): Promise<number> {
  const { rows } = await sql<{ count: number }>`
    select count(*) as count
    from (select ${adoptedId(table)} as id from ${sql.table(table.name)} as legacy) as older
    where not exists (select 1 from ${sql.table(table.target)} as there where there.id = older.id)
      and not exists (
        select 1 from dead_letters where table_name = ${table.name} and batch_id = older.id
      )`.execute(trx);
  return rows[0]?.count ?? 0;
}

/** Has older tables that were copied already copied again, as far as their rows are missing. */
export async function copyAgain(db: Kysely<Database>): Promise<void> {
  const states = await adoptionStates(db);
  const existing = await relationsNamed(
    db,
    states.map(({ source }) => source),
  );
  await db.transaction().execute(async (trx) => {
    const again = await trx
      .updateTable('adoption')
      .set({
        last_id: null,
        last_key: null,
        rows_copied: '0',
        rows_refused: '0',
        checked: true,
        finished_at: null,
      })
      .where('source', 'in', ['', ...existing.keys()])
      .where('finished_at', 'is not', null)
      .returning('source')
      .execute();
    // Those that are still refused will be kept again.
    await trx
      .deleteFrom('dead_letters')
      .where('table_name', 'in', ['', ...again.map(({ source }) => source)])
      .execute();
  });
}
