import type { Environment } from '../../src/config.ts';
import { startCollector, type TestCollector } from './collector.ts';
import { holdTable } from './database.ts';

/** More than the unary lane of a jammed collector has room for. */
export const tooMuchForJammedBytes = 300 * 1024;

/**
 * A collector whose database takes nothing: the ledger is locked by somebody else. A small batch
 * is answered UNAVAILABLE after 50 ms and stays held; while one is, a batch of
 * `tooMuchForJammedBytes` is RESOURCE_EXHAUSTED. Stopping it lets go of the lock first.
 */
export async function startJammedCollector(env: Environment = {}): Promise<TestCollector> {
  const telemetry = await startCollector({
    TELEMETRY_UNARY_MS_MAX: '50',
    // Nothing escapes to the spool.
    TELEMETRY_COMMIT_MS_MAX: '60000',
    TELEMETRY_BUFFER_BYTES_MAX: String(1024 * 1024),
    ...env,
  });
  const locker = await telemetry.database.pool.connect();
  await holdTable(locker, 'batch_ledger in access exclusive mode');
  return {
    ...telemetry,
    stop: async () => {
      await locker.query('rollback');
      locker.release();
      await telemetry.stop();
    },
  };
}
