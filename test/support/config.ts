import { join } from 'node:path';
import { type Config, type Environment, readConfig } from '../../src/config.ts';
import { temporaryDirectory } from './temporary-directory.ts';

/** The defaults, any free port, a data directory of its own, and what a test says itself. */
export function testConfig(env: Environment): Config {
  const own = {
    TELEMETRY_PORT: '0',
    TELEMETRY_LOG_LEVEL: 'silent',
    TELEMETRY_DATA_DIR: join(temporaryDirectory().path, 'data'),
  };
  return readConfig({ ...own, ...env }, {});
}
