import { Option } from 'commander';
import { Audit } from './admin/audit.ts';
import { erase } from './admin/erase.ts';
import { Writer } from './commit/writer.ts';
import { StartError } from './errors.ts';
import { operator } from './key-commands.ts';
import { onDatabase, type Run } from './operator-commands.ts';

export const eraseOptions = {
  quiet: true,
  own: [
    new Option('--user <id>', 'whose user_id it is'),
    new Option('--session <id>', 'whose session_id it is'),
    new Option('--dry-run', 'only say how much there is'),
  ],
};

/** `erase --user X | --session X`: removes what is stored of somebody. */
export const eraseSubject: Run = async (config, logger, args, given) => {
  const { user, session, dryRun } = given as Record<string, string | undefined>;
  const value = user ?? session ?? '';
  if (value === '' || (user !== undefined && session !== undefined)) {
    throw new StartError('either --user or --session is needed, with an id');
  }
  const field = user === undefined ? 'session_id' : 'user_id';
  const work = onDatabase(async (database) => {
    const audit = new Audit(database.upkeepDb, logger);
    const writer = new Writer(database.writers);
    const erased = await erase(writer, audit, operator(), { field, value }, Boolean(dryRun));
    const verb = dryRun ? 'would be erased' : 'erased';
    for (const [table, rows] of Object.entries(erased)) console.log(`${table}: ${rows} ${verb}`);
  });
  await work(config, logger, args, given);
};
