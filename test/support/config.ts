import { type Config, type Environment, readConfig } from '../../src/config.ts';

/** The defaults, any free port, and what a test says itself. */
export function testConfig(env: Environment): Config {
  return readConfig({ TELEMETRY_PORT: '0', TELEMETRY_LOG_LEVEL: 'silent', ...env }, {});
}
