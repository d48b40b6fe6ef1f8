import type { TestProject } from 'vitest/node';
import { distribute } from '../../src/database/cluster/distribute.ts';
import { DatabaseService } from '../../src/database/database-service.ts';
import { dataTables } from '../../src/database/expected-tables.ts';
import { migrateToLatest } from '../../src/database/migrate.ts';
import { ensurePartitions } from '../../src/database/partitions.ts';
import { dayMs } from '../../src/units.ts';
import { CitusDatabases } from './citus.ts';
import { testConfig } from './config.ts';
import { templateName } from './database.ts';
import { silentLogger } from './logger.ts';

/** As few as show what is different from one. */
const shards = 4;

/** A database of the cluster, migrated and distributed, that each test file clones. */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const url = process.env.CITUS_URL ?? '';
  if (url === '') throw new Error('CITUS_URL names no coordinator');
  const databases = await CitusDatabases.open(url);
  const template = `${templateName}_${process.pid}`;
  await databases.create(template);
  const config = testConfig({ DATABASE_URL: databases.urlOf(template) });
  const database = await DatabaseService.open(config, silentLogger);
  await migrateToLatest(database.upkeep, silentLogger);
  // Before they are many tables each: a collector would be at it for as long as most tests take.
  const window = { fromMs: Date.now() - 31 * dayMs, toMs: Date.now() + 3 * dayMs };
  for (const table of dataTables) await ensurePartitions(database.upkeepDb, { table, ...window });
  await distribute(database.upkeepDb, database.upkeep, shards, false);
  await database.close();
  await databases.close(template);
  project.provide('postgresSocket', '');
  project.provide('citus', { url, template });
  return () => databases.drop(template);
}

declare module 'vitest' {
  interface ProvidedContext {
    /** The coordinator and the database to clone, in `make test-citus`. */
    citus?: { readonly url: string; readonly template: string };
  }
}
