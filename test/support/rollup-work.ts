import { createRollupWriter } from '../../src/commit/rollup-writer.ts';
import { createKysely } from '../../src/database/kysely.ts';
import { createPool } from '../../src/postgres/pool.ts';
import { upkeepLimits } from '../../src/postgres/settings.ts';
import { createRollups } from '../../src/rollup/create-rollups.ts';
import { fold } from '../../src/rollup/fold.ts';
import { sweep } from '../../src/rollup/sweep.ts';
import type { TestDatabase } from './database.ts';
import { silentLogger } from './logger.ts';

const never = new AbortController().signal;

/** What the job of a collector does, step by step. */
export function rollupWork(database: TestDatabase, seriesMax = 1000) {
  const pool = createPool({
    connection: { connectionString: database.url },
    applicationName: 'test rollups',
    connectionsMax: 4,
    limits: upkeepLimits,
    logger: silentLogger,
  });
  const db = createKysely(pool);
  const writer = createRollupWriter(pool);
  const { series, fresh } = createRollups(pool, seriesMax);
  return {
    db,
    pool,
    writer,
    series,
    fresh,
    fold: () => fold(writer, true),
    sweep: async (onFault?: (fault: unknown) => void) => {
      let swept = 0;
      for (const each of series) {
        swept += await sweep(db, writer, each, never, undefined, onFault);
      }
      return swept;
    },
    end: () => pool.end(),
  };
}
