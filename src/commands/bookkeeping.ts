import type { Bookkeeping } from '../commit/bookkeeping.ts';
import type { Config } from '../config.ts';
import type { DatabaseService } from '../database/database-service.ts';
import { OwnPricesFile } from '../prices/own-file.ts';
import { Pricer } from '../prices/pricer.ts';
import { createRollups } from '../rollup/create-rollups.ts';

/** What a command that writes rows keeps in step with them. */
export function bookkeepingOf(database: DatabaseService, config: Config): Bookkeeping {
  const { fresh } = createRollups(database.rollups, config.rollupSeriesMax);
  const { prices } = new OwnPricesFile(config.pricesFile);
  return { fresh, pricer: new Pricer(() => prices) };
}
