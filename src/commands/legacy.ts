import type { Command } from 'commander';
import { Audit } from '../admin/audit.ts';
import { adoptionChunkRows, adoptionStates, adoptLegacyRows } from '../database/adoption.ts';
import {
  copyAgain,
  dropAdoptedTables,
  legacyStatus as readLegacyStatus,
} from '../database/legacy-tables.ts';
import { command, commandGroup } from './command.ts';
import { onDatabase, operator } from './on-database.ts';

const legacyStatus = onDatabase(async (database) => {
  const { adoptions, notes } = await readLegacyStatus(database.upkeepDb);
  const shown = [adoptions.length > 0 ? adoptions : 'no older tables are adopted', ...notes];
  return { json: { adoptions, notes }, shown };
});

const legacyCopy = onDatabase(async (database, { config, logger }) => {
  const options = { timeZone: config.legacyTimeZone, chunkRows: adoptionChunkRows };
  const signal = new AbortController().signal;
  await database.migrate();
  await new Audit(database.upkeepDb, logger).record(operator(), 'legacy tables copied', {});
  await copyAgain(database.upkeepDb);
  await adoptLegacyRows(database.upkeepDb, options, logger, signal);
  const adoptions = await adoptionStates(database.upkeepDb);
  return { json: { adoptions }, shown: [adoptions] };
});

const legacyDrop = onDatabase(async (database, { logger }) => {
  await new Audit(database.upkeepDb, logger).record(operator(), 'legacy tables dropped', {});
  const tables = await dropAdoptedTables(database.upkeepDb);
  const sentences = tables.map(
    ({ source, dropped, reason }) => `${source} is ${dropped ? 'dropped' : 'kept'}: ${reason}`,
  );
  return {
    json: { tables },
    shown: tables.length > 0 ? sentences : ['nothing to drop'],
    failed: tables.some(({ dropped }) => !dropped),
  };
});

export const legacyCommands = (): Command =>
  commandGroup('legacy', 'tables of older services whose rows were adopted', [
    command('status', 'how far the copying has come', legacyStatus),
    command('copy', 'copy again what is missing of them', legacyCopy),
    command('drop', 'drop the tables whose every row is in ours', legacyDrop),
  ]);
