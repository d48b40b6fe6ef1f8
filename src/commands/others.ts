import type { Command } from 'commander';
import { eventsCommand } from './api/events.ts';
import { exportCommand } from './api/export.ts';
import { importCommand } from './api/import.ts';
import { statsCommand } from './api/summaries.ts';
import { tailCommand } from './api/tail.ts';
import { auditCommands } from './audit.ts';
import { backupCommand, restoreCommand } from './backup.ts';
import { checkCommand } from './check.ts';
import { completionCommand } from './completion.ts';
import { configCommands } from './config.ts';
import { deadLetterCommands } from './dead-letters.ts';
import { distributeCommand } from './distribute.ts';
import { eraseCommand } from './erase.ts';
import { keyCommands } from './keys.ts';
import { legacyCommands } from './legacy.ts';
import { moveCommand } from './move.ts';
import { priceCommands } from './prices.ts';
import { retentionCommand } from './retention.ts';
import { rollupCommands } from './rollups.ts';
import { migrateCommand, sqlCommand } from './schema.ts';
import { spoolCommands } from './spool.ts';
import { usageCommands } from './usage.ts';

/** Every command but `serve`, which does not load what only these need. */
export function addOthers(program: Command): void {
  const others = [
    checkCommand(),
    backupCommand(),
    restoreCommand(),
    moveCommand(),
    configCommands(),
    tailCommand(),
    eventsCommand(),
    statsCommand(),
    exportCommand(),
    importCommand(),
    migrateCommand(),
    distributeCommand(),
    legacyCommands(),
    deadLetterCommands(),
    spoolCommands(),
    rollupCommands(),
    retentionCommand(),
    usageCommands(),
    priceCommands(),
    keyCommands(),
    eraseCommand(),
    auditCommands(),
    sqlCommand(),
  ];
  for (const command of others) program.addCommand(command);
  program.addCommand(completionCommand(program));
}
