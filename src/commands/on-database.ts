import { userInfo } from 'node:os';
import type { Config } from '../config.ts';
import { DatabaseService } from '../database/database-service.ts';
import { ServiceError, StartError, wholeMessage } from '../errors.ts';
import type { Logger } from '../observe/logger.ts';
import type { Run, Typed } from './command.ts';
import type { Report } from './report.ts';

/** What work on the database may need beside it. */
export interface Asked extends Typed {
  readonly config: Config;
  readonly logger: Logger;
}

/**
 * A command that works on the database, beside a running collector or without one; `create`: also
 * where there is none yet.
 */
export const onDatabase =
  (
    work: (database: DatabaseService, asked: Asked) => Promise<Report>,
    { create = false } = {},
  ): Run =>
  async (config, logger, typed) => {
    const database = await DatabaseService.join(config, logger, create);
    try {
      return await work(database, { config, logger, ...typed });
    } catch (error) {
      // Of the system or of PostgreSQL: the person at the keyboard needs no stack.
      if (!isTold(error)) throw error;
      throw new StartError(wholeMessage(error), { cause: error });
    } finally {
      await database.close();
    }
  };

/** One way to the server may fail like the other. */
function isTold(error: unknown): boolean {
  if (error instanceof AggregateError && !('code' in error)) return error.errors.every(isTold);
  return error instanceof ServiceError || (error instanceof Error && 'code' in error);
}

/** Whoever runs a command, as the audit names him. */
export function operator(): { readonly name: string } {
  try {
    return { name: `command line (${userInfo().username})` };
  } catch {
    // In a container, of a user that has no name.
    return { name: `command line (${process.getuid?.()})` };
  }
}
