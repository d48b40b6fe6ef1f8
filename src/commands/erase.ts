import type { Command } from 'commander';
import { Audit } from '../admin/audit.ts';
import { erase, subjectOf } from '../admin/erase.ts';
import { Writer } from '../commit/writer.ts';
import { StartError } from '../errors.ts';
import { command, type Run } from './command.ts';
import { onDatabase, operator } from './on-database.ts';

/** `erase --user X | --session X`: removes what is stored of somebody. */
const eraseSubject: Run = async (config, logger, typed) => {
  const { user, session, dryRun } = typed.flags as Record<string, string | undefined>;
  if (Boolean(user) === Boolean(session)) {
    throw new StartError('either --user or --session is needed, with an id');
  }
  const whose = subjectOf({ user_id: user, session_id: session });
  const isDry = Boolean(dryRun);
  const work = onDatabase(async (database) => {
    const audit = new Audit(database.upkeepDb, logger);
    const writer = new Writer(database.upkeep);
    const erased = await erase(writer, audit, operator(), whose, isDry);
    const verb = isDry ? 'would be erased' : 'erased';
    return {
      json: { dry_run: isDry, erased },
      shown: Object.entries(erased).map(([table, rows]) => `${table}: ${rows} ${verb}`),
    };
  });
  return await work(config, logger, typed);
};

export const eraseCommand = (): Command =>
  command('erase', 'remove what is stored of somebody', eraseSubject, {
    own: [
      ['--user <id>', 'whose user_id it is'],
      ['--session <id>', 'whose session_id it is'],
      ['--dry-run', 'only say how much there is'],
    ],
  });
