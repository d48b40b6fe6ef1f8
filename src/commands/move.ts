import type { Command } from 'commander';
import { layoutOf } from '../database/cluster/layout.ts';
import { DatabaseService } from '../database/database-service.ts';
import { type Moved, move } from '../database/move.ts';
import { errorMessage, StartError } from '../errors.ts';
import { holdsCluster } from '../postgres/embedded/cluster.ts';
import { runningServer } from '../postgres/embedded/server.ts';
import { command, type Run } from './command.ts';

/** `move --to <url>`: everything of the embedded database into another one. */
const moveAll: Run = async (config, logger, { flags }) => {
  const to = flags.to as string | undefined;
  if (to === undefined) throw new StartError('--to is missing: the URL of the other database');
  if (config.databaseUrl !== '') {
    throw new StartError('DATABASE_URL: only the embedded PostgreSQL is moved: leave it out');
  }
  if (!holdsCluster(config.dataDirectory)) {
    throw new StartError(`TELEMETRY_DATA_DIR: there is no database in ${config.dataDirectory}`);
  }
  if (runningServer(config.dataDirectory)) {
    throw new StartError(
      'a collector runs on it: end it first, and start it on the other one later',
    );
  }
  const source = await DatabaseService.join(config, logger, false);
  const target = await DatabaseService.join({ ...config, databaseUrl: to }, logger, false);
  try {
    await source.migrate();
    await target.migrate();
    await refuseDistributed(target);
    const moved = await moveBetween(source, target);
    const rows = moved.reduce((sum, part) => sum + part.rows, 0);
    return {
      json: { parts: moved, rows },
      shown: [
        moved.filter((part) => part.rows > 0),
        `${rows} rows are moved: start collectors with this DATABASE_URL, on the same TELEMETRY_DATA_DIR`,
      ],
    };
  } catch (error) {
    if (error instanceof StartError) throw error;
    const reason = errorMessage(error);
    throw new StartError(`${reason}; run it again to go on`, { cause: error });
  } finally {
    await target.close();
    await source.close();
  }
};

/** What is still to be read of older rows is read in transactions of one server. */
async function refuseDistributed(target: DatabaseService): Promise<void> {
  if ((await layoutOf(target.upkeepDb)).size === 0) return;
  throw new StartError(
    '--to: its tables lie on the workers of a cluster already: move into an empty database of the coordinator, and run "gravitas-telemetry distribute" then',
  );
}

async function moveBetween(source: DatabaseService, target: DatabaseService): Promise<Moved[]> {
  const [from, to] = await Promise.all([source.upkeep.connect(), target.upkeep.connect()]);
  const moved: Moved[] = [];
  try {
    for await (const part of move(from, to)) moved.push(part);
    return moved;
  } finally {
    from.release(true);
    to.release(true);
  }
}

export const moveCommand = (): Command =>
  command('move', 'copy everything of the embedded database into another one', moveAll, {
    own: [['--to <url>', 'URL of the other database, which is empty']],
  });
