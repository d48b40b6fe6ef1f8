import { Collector } from '../../src/collector.ts';
import type { Environment } from '../../src/config.ts';
import { testConfig } from './config.ts';
import { createDatabase, type TestDatabase } from './database.ts';
import { silentLogger } from './logger.ts';
import { patient } from './patient.ts';

export interface TestCollector {
  readonly baseUrl: string;
  readonly port: number;
  readonly database: TestDatabase;
  readonly collector: Collector;
  stop(): Promise<void>;
}

/** Rows of long ago, that a test has stored, stay; nothing is verified at some hours of the day alone. */
const keepsAll: Environment = {
  TELEMETRY_ROLLUP_VERIFY_HOUR: 'off',
  ...Object.fromEntries(
    ['EVENT', 'USAGE', 'QUARTER', 'HOUR', 'DAY'].map((name) => [
      `TELEMETRY_RETENTION_${name}_DAYS`,
      '0',
    ]),
  ),
};

/** A ready collector inside the test's process, on a database of its own unless one is given. */
export async function startCollector(
  env: Environment = {},
  given?: TestDatabase,
): Promise<TestCollector> {
  const database = given ?? (await createDatabase());
  const config = testConfig({ DATABASE_URL: database.url, ...patient, ...keepsAll, ...env });
  const collector = await Collector.start(config, silentLogger);
  await collector.untilReady();
  const scheme = config.tlsCertFile === '' ? 'http' : 'https';
  return {
    baseUrl: `${scheme}://127.0.0.1:${collector.port}`,
    port: collector.port,
    database,
    collector,
    stop: async () => {
      await collector.stop();
      if (!given) await database.drop();
    },
  };
}
