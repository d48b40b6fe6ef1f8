import { Registry } from 'prom-client';
import { DeadLetters } from './admin/dead-letters.ts';
import { Writer } from './commit/writer.ts';
import type { Config } from './config.ts';
import { adoptionStates, dropAdoptedTables } from './database/adoption.ts';
import { DatabaseService } from './database/database-service.ts';
import { errorMessage, StartError } from './errors.ts';
import type { Logger } from './observe/logger.ts';

/** A command of the command line; `args` are what is neither a flag nor the command's name. */
export type Run = (config: Config, logger: Logger, args: readonly string[]) => Promise<void>;

const lettersMax = 1000;

/** A command that works on the database, beside a running collector or without one. */
const onDatabase =
  (
    work: (database: DatabaseService, args: readonly string[]) => Promise<void>,
    { create = false } = {},
  ): Run =>
  async (config, logger, args) => {
    const database = await DatabaseService.join(config, logger, create);
    try {
      await work(database, args);
    } catch (error) {
      // Of the system or of PostgreSQL: the person at the keyboard needs no stack.
      if (!(error instanceof Error) || !('code' in error)) throw error;
      throw new StartError(errorMessage(error), { cause: error });
    } finally {
      await database.close();
    }
  };

const onDeadLetters = (
  work: (letters: DeadLetters, ids: readonly string[]) => Promise<void>,
): Run =>
  onDatabase((database, ids) => {
    const writer = new Writer(database.writers);
    return work(new DeadLetters(database.upkeepDb, writer, new Registry()), ids);
  });

export const migrate = onDatabase(
  async (database) => {
    await database.migrate();
    console.log('the schema is up to date');
  },
  { create: true },
);

export const legacyStatus = onDatabase(async (database) => {
  console.table(await adoptionStates(database.upkeepDb));
});

export const legacyDrop = onDatabase(async (database) => {
  const dropped = await dropAdoptedTables(database.upkeepDb);
  console.log(dropped.length > 0 ? `dropped ${dropped.join(', ')}` : 'nothing to drop');
});

export const runSql = onDatabase(async (database, [query = '']) => {
  const { rows, command, rowCount } = await database.upkeep.query(query);
  if (rows.length > 0) console.table(rows.map(printable));
  else console.log(`${command} ${rowCount ?? ''}`);
});

export const deadLettersList = onDeadLetters(async (deadLetters) => {
  const { letters, total } = await deadLetters.list(lettersMax);
  if (letters.length > 0) console.table(letters.map(({ payload: _, ...letter }) => letter));
  console.log(`${total} dead letters`);
});

export const deadLettersShow = onDeadLetters(async (deadLetters, ids) => {
  const { letters } = await deadLetters.list(lettersMax);
  const found = letters.filter(({ id }) => ids.includes(id));
  for (const letter of found) console.log(JSON.stringify(letter, null, 2));
  if (found.length < ids.length) throw new StartError('there is no such dead letter');
});

export const deadLettersReplay = onDeadLetters(async (deadLetters, ids) => {
  const { replayed, failures } = await deadLetters.replay(await idsOrAll(deadLetters, ids));
  for (const { id, reason } of failures) console.error(`${id}: ${reason}`);
  console.log(`${replayed} replayed, ${failures.length} not`);
  if (failures.length > 0) process.exitCode = 1;
});

export const deadLettersDrop = onDeadLetters(async (deadLetters, ids) => {
  console.log(`${await deadLetters.drop(await idsOrAll(deadLetters, ids))} dropped`);
});

async function idsOrAll(
  deadLetters: DeadLetters,
  ids: readonly string[],
): Promise<readonly string[]> {
  if (ids.join() !== 'all') return ids;
  return (await deadLetters.list(lettersMax)).letters.map(({ id }) => id);
}

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
