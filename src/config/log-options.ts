import { oneOf, option } from './option.ts';

/** What is logged, and how. */
export const logOptions = {
  logLevel: option({
    env: 'TELEMETRY_LOG_LEVEL',
    flag: '--log-level <level>',
    schema: oneOf(['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent']),
    default: 'info',
    description: 'least severity that is logged: trace, debug, info, warn, error, fatal or silent',
  }),
  logFormat: option({
    env: 'TELEMETRY_LOG_FORMAT',
    flag: '--log-format <format>',
    schema: oneOf(['auto', 'json', 'pretty']),
    default: 'auto',
    description: 'json, pretty, or auto: pretty in a terminal and json elsewhere',
  }),
} as const;
