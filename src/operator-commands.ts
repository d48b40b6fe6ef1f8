import { Registry } from 'prom-client';
import { Audit } from './admin/audit.ts';
import { DeadLetters } from './admin/dead-letters.ts';
import { Writer } from './commit/writer.ts';
import type { Config } from './config.ts';
import { adoptionChunkRows, adoptionStates, adoptLegacyRows } from './database/adoption.ts';
import { DatabaseService } from './database/database-service.ts';
import {
  copyAgain,
  dropAdoptedTables,
  legacyStatus as readLegacyStatus,
} from './database/legacy-tables.ts';
import { errorMessage, ServiceError, StartError } from './errors.ts';
import { KeyCommands, type KeyFlags, operator, type ShownSecret } from './key-commands.ts';
import type { Logger } from './observe/logger.ts';
import { createRollups } from './rollup/create-rollups.ts';
import { drainSpool, spoolDirectory, spoolStatus } from './spool-commands.ts';

/**
 * A command of the command line; `args` are what is neither a flag nor the command's name, `given`
 * the flags.
 */
export type Run = (
  config: Config,
  logger: Logger,
  args: readonly string[],
  given: Readonly<Record<string, unknown>>,
) => Promise<void>;

type Args = readonly string[];
type Asked = { readonly config: Config; readonly given: Parameters<Run>[3] };

const lettersMax = 1000;
const auditEntriesMax = 1000;

/** A command that works on the database, beside a running collector or without one. */
export const onDatabase =
  (
    work: (database: DatabaseService, args: Args, logger: Logger, asked: Asked) => Promise<void>,
    { create = false } = {},
  ): Run =>
  async (config, logger, args, given) => {
    const database = await DatabaseService.join(config, logger, create);
    try {
      await work(database, args, logger, { config, given });
    } catch (error) {
      // Of the system or of PostgreSQL: the person at the keyboard needs no stack.
      const isTold = error instanceof ServiceError || (error instanceof Error && 'code' in error);
      if (!isTold) throw error;
      throw new StartError(errorMessage(error), { cause: error });
    } finally {
      await database.close();
    }
  };

const onDeadLetters = (
  work: (letters: DeadLetters, ids: readonly string[]) => Promise<void>,
  audited?: string,
): Run =>
  onDatabase(async (database, ids, logger, { config }) => {
    if (audited) {
      const audit = new Audit(database.upkeepDb, logger);
      await audit.record(operator(), audited, { ids });
    }
    const writer = new Writer(database.writers);
    const { fresh } = createRollups(database.rollups, config.rollupSeriesMax);
    await work(new DeadLetters(database.upkeepDb, writer, fresh, new Registry()), ids);
  });

export const migrate = onDatabase(
  async (database) => {
    await database.migrate();
    console.log('the schema is up to date');
  },
  { create: true },
);

export const legacyStatus = onDatabase(async (database) => {
  const { adoptions, notes } = await readLegacyStatus(database.upkeepDb);
  console.table(adoptions);
  for (const note of notes) console.log(note);
});

export const legacyCopy: Run = async (config, logger, args, given) => {
  const work = onDatabase(async (database) => {
    const options = { timeZone: config.legacyTimeZone, chunkRows: adoptionChunkRows };
    const signal = new AbortController().signal;
    await database.migrate();
    await copyAgain(database.upkeepDb);
    await adoptLegacyRows(database.upkeepDb, options, logger, signal);
    console.table(await adoptionStates(database.upkeepDb));
  });
  await work(config, logger, args, given);
};

export const legacyDrop = onDatabase(async (database, _args, logger) => {
  await new Audit(database.upkeepDb, logger).record(operator(), 'legacy tables dropped', {});
  const outcomes = await dropAdoptedTables(database.upkeepDb);
  for (const { source, dropped, reason } of outcomes) {
    console.log(`${source} is ${dropped ? 'dropped' : 'kept'}: ${reason}`);
    if (!dropped) process.exitCode = 1;
  }
  if (outcomes.length === 0) console.log('nothing to drop');
});

export const runSql = onDatabase(async (database, [query = '']) => {
  const { rows, command, rowCount } = await database.query(query);
  if (rows.length > 0) console.table(rows.map(printable));
  else console.log(`${command} ${rowCount ?? ''}`);
});

export const deadLettersList = onDeadLetters(async (deadLetters) => {
  const { letters, total } = await deadLetters.list(lettersMax);
  if (letters.length > 0) console.table(letters.map(({ payload: _, ...letter }) => letter));
  console.log(`${total} dead letters`);
});

export const deadLettersShow = onDeadLetters(async (deadLetters, ids) => {
  const found = await deadLetters.find(ids);
  for (const letter of found) console.log(JSON.stringify(letter, null, 2));
  const missing = ids.filter((id) => !found.some((letter) => letter.id === id.toLowerCase()));
  if (missing.length > 0) throw new StartError(`there is no dead letter ${missing.join(', ')}`);
});

export const deadLettersReplay = onDeadLetters(async (deadLetters, ids) => {
  let [stored, refused] = [0, 0];
  for await (const some of idsOrAll(deadLetters, ids)) {
    const { replayed, failures } = await deadLetters.replay(some);
    for (const { id, reason } of failures) console.error(`${id}: ${reason}`);
    stored += replayed;
    refused += failures.length;
  }
  console.log(`${stored} replayed, ${refused} not`);
  if (refused > 0) process.exitCode = 1;
}, 'dead letters replayed');

export const deadLettersDrop = onDeadLetters(async (deadLetters, ids) => {
  let dropped = 0;
  for await (const some of idsOrAll(deadLetters, ids)) dropped += await deadLetters.drop(some);
  console.log(`${dropped} dropped`);
}, 'dead letters dropped');

/** `create`: also where there is no database yet, so that a key can be there before the collector. */
const onKeys =
  (
    work: (keys: KeyCommands, args: readonly string[], flags: KeyFlags) => Promise<void>,
    { create = false } = {},
  ): Run =>
  async (config, logger, args, given) => {
    const onKeysOf = async (database: DatabaseService) => {
      if (create) await database.migrate();
      await work(new KeyCommands(database.upkeepDb, logger), args, given);
    };
    await onDatabase(onKeysOf, { create })(config, logger, args, given);
  };

function showSecret({ secret, note }: ShownSecret): void {
  console.error(note);
  console.log(secret);
}

export const keysCreate = onKeys(
  async (keys, [name = ''], flags) => showSecret(await keys.create(name, flags)),
  { create: true },
);

export const keysRotate = onKeys(async (keys, [name = ''], flags) =>
  showSecret(await keys.rotate(name, flags)),
);

export const keysRevoke = onKeys(async (keys, names) => {
  for (const name of names) {
    for (const key of await keys.revoke(name)) console.log(`${key.name} ${key.id} is revoked`);
  }
});

export const keysList = onKeys(async (keys) => {
  const rows = await keys.list();
  if (rows.length > 0) console.table(rows);
  else console.log('there are no keys in the database');
});

export const auditList = onDatabase(async (database, _args, logger) => {
  const entries = await new Audit(database.upkeepDb, logger).list(auditEntriesMax);
  const rows = entries.map(({ recordedAt, caller, action, detail }) => ({
    recorded_at: recordedAt,
    caller,
    action,
    detail: JSON.stringify(detail),
  }));
  if (rows.length > 0) console.table(rows);
  else console.log('nothing is recorded');
});

async function* idsOrAll(
  deadLetters: DeadLetters,
  ids: readonly string[],
): AsyncGenerator<readonly string[]> {
  if (ids.join() === 'all') yield* deadLetters.all();
  else yield ids;
}

export const spoolShow: Run = async (config, _logger, [directory]) => {
  console.log(await spoolStatus(spoolDirectory(directory ?? config.dataDirectory)));
};

export const spoolDrain: Run = async (config, logger, [named = ''], given) => {
  const directory = spoolDirectory(named);
  const work = onDatabase(async (database) => {
    console.log(await drainSpool(directory, database, config, logger));
  });
  await work(config, logger, [], given);
};

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
