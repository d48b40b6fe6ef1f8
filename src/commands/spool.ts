import type { Command } from 'commander';
import { command, commandGroup, type Run } from './command.ts';
import { onDatabase } from './on-database.ts';
import { drainSpools, spoolDirectory, spoolStatus } from './spool-work.ts';

const status: Run = async (config, _logger, { args: [directory] }) => {
  const found = await spoolStatus(spoolDirectory(directory ?? config.dataDirectory));
  return { json: found, shown: [found] };
};

const drain: Run = async (config, logger, typed) => {
  // Said before the database is asked.
  const directory = spoolDirectory(typed.args[0] ?? '');
  const work = onDatabase(async (database) => {
    const outcomes = await drainSpools(directory, database, config, logger);
    return { json: outcomes, shown: [outcomes] };
  });
  return await work(config, logger, typed);
};

export const spoolCommands = (): Command =>
  commandGroup('spool', 'data that a collector has acknowledged and not stored in PostgreSQL yet', [
    command('status [directory]', 'what there is of it', status),
    command('drain <directory>', 'store what a collector that is gone left', drain),
  ]);
