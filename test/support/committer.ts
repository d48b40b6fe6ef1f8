import { GroupCommitter, type Origin } from '../../src/commit/group-committer.ts';
import { Writer } from '../../src/commit/writer.ts';
import { createPool } from '../../src/postgres/pool.ts';
import { type Settings, writerLimits } from '../../src/postgres/settings.ts';
import type { TestDatabase } from './database.ts';
import { silentLogger } from './logger.ts';

export interface TestCommitter {
  readonly committer: GroupCommitter;
  end(): Promise<void>;
}

/** A committer with connections of its own. */
export function createCommitter(
  database: TestDatabase,
  origin: Origin,
  limits: Settings = {},
): TestCommitter {
  const pool = createPool({
    connection: { connectionString: database.url },
    applicationName: 'test writer',
    connectionsMax: 2,
    limits: { ...writerLimits, ...limits },
    logger: silentLogger,
  });
  return { committer: new GroupCommitter(new Writer(pool), origin), end: () => pool.end() };
}
