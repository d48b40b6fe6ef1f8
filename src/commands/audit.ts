import type { Command } from 'commander';
import { Audit } from '../admin/audit.ts';
import { command, commandGroup } from './command.ts';
import { onDatabase } from './on-database.ts';

const auditEntriesMax = 1000;

const list = onDatabase(async (database, { logger }) => {
  const found = await new Audit(database.upkeepDb, logger).list(auditEntriesMax);
  const entries = found.map(({ recordedAt, caller, action, detail }) => ({
    recorded_at: recordedAt,
    caller,
    action,
    detail,
  }));
  const rows = entries.map((entry) => ({ ...entry, detail: JSON.stringify(entry.detail) }));
  return { json: { entries }, shown: rows.length > 0 ? [rows] : ['nothing is recorded'] };
});

export const auditCommands = (): Command =>
  commandGroup('audit', 'what operators did', [command('list', 'the newest 1000 entries', list)]);
