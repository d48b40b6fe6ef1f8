import type pg from 'pg';
import { createRollupWriter } from '../../src/commit/rollup-writer.ts';
import { createKysely } from '../../src/database/kysely.ts';
import { type ConnectionSettings, createPool } from '../../src/postgres/pool.ts';
import { upkeepLimits } from '../../src/postgres/settings.ts';
import { createRollups } from '../../src/rollup/create-rollups.ts';
import { rebuild } from '../../src/rollup/rebuild.ts';
import { verify } from '../../src/rollup/verify.ts';
import { silentLogger } from '../support/logger.ts';

type Postgres = { readonly adminSettings: ConnectionSettings };

const seriesMax = 100_000;
const listedMax = 5;

async function withPool<T>(postgres: Postgres, use: (pool: pg.Pool) => Promise<T>): Promise<T> {
  const pool = createPool({
    connection: postgres.adminSettings,
    applicationName: 'chaos',
    connectionsMax: 3,
    limits: upkeepLimits,
    logger: silentLogger,
  });
  try {
    return await use(pool);
  } finally {
    await pool.end();
  }
}

/** What is rolled up otherwise than the rows say: of each a line. */
export const rolledAmiss = (postgres: Postgres): Promise<string[]> =>
  withPool(postgres, async (pool) => {
    const { span, differences } = await verify(createKysely(pool), {});
    if (!span) return ['nothing is rolled up'];
    const listed = differences.slice(0, listedMax);
    return listed.map((each) => `rolled up amiss: ${JSON.stringify(each)}`);
  });

/** What an operator does whose rows are gone. */
export const rebuildRollups = (postgres: Postgres): Promise<unknown> =>
  withPool(postgres, async (pool) => {
    const { series } = createRollups(pool, seriesMax);
    await rebuild(createKysely(pool), createRollupWriter(pool), series, {});
  });
