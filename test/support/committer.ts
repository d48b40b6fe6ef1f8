import type pg from 'pg';
import { GroupCommitter, type Origin } from '../../src/commit/group-committer.ts';
import { Writer } from '../../src/commit/writer.ts';
import { createPool } from '../../src/postgres/pool.ts';
import { type Settings, writerLimits } from '../../src/postgres/settings.ts';
import type { Pricer } from '../../src/prices/pricer.ts';
import { createRollups } from '../../src/rollup/create-rollups.ts';
import type { TestDatabase } from './database.ts';
import { silentLogger } from './logger.ts';

export interface TestCommitter {
  readonly committer: GroupCommitter;
  readonly pool: pg.Pool;
  end(): Promise<void>;
}

/** A committer with connections of its own. */
export function createCommitter(
  database: TestDatabase,
  origin: Origin,
  limits: Settings = {},
  pricer?: Pricer,
): TestCommitter {
  const pool = createPool({
    connection: { connectionString: database.url },
    applicationName: 'test writer',
    connectionsMax: 2,
    limits: { ...writerLimits, ...limits },
    logger: silentLogger,
  });
  const series = createPool({
    connection: { connectionString: database.url },
    applicationName: 'test rollups',
    connectionsMax: 2,
    limits: writerLimits,
    logger: silentLogger,
  });
  const { fresh } = createRollups(series, 1000);
  return {
    committer: new GroupCommitter(new Writer(pool), origin, { fresh, ...(pricer && { pricer }) }),
    pool,
    end: async () => {
      await Promise.all([pool.end(), series.end()]);
    },
  };
}
