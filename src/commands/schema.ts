import type { Command } from 'commander';
import { dataTables } from '../database/expected-tables.ts';
import { buildLaterIndexes } from '../database/later-indexes.ts';
import { command } from './command.ts';
import { onDatabase } from './on-database.ts';

const migrate = onDatabase(
  async (database) => {
    await database.migrate();
    for (const table of dataTables) {
      await buildLaterIndexes(database.upkeepDb, database.rollups, table);
    }
    return { json: { schema: 'up to date' }, shown: ['the schema is up to date'] };
  },
  { create: true },
);

const runSql = onDatabase(async (database, { args: [query = ''] }) => {
  const { rows, command, rowCount } = await database.query(query);
  const shown = rows.length > 0 ? rows.map(printable) : `${command} ${rowCount ?? ''}`;
  return { json: { command, row_count: rowCount, rows }, shown: [shown] };
});

/** Objects as the JSON that the database holds. */
function printable(row: Record<string, unknown>): Record<string, unknown> {
  const isPlain = (value: unknown) =>
    value === null || typeof value !== 'object' || value instanceof Date;
  return Object.fromEntries(
    Object.entries(row).map(([name, value]) => [
      name,
      isPlain(value) ? value : JSON.stringify(value),
    ]),
  );
}

export const migrateCommand = (): Command =>
  command('migrate', 'bring the schema of the database up to date', migrate, { logs: true });

export const sqlCommand = (): Command =>
  command('sql <query>', 'run one query and print the rows', runSql);
