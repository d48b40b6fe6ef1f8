import { fileOrNone, oneOf, option } from './option.ts';

/** What is logged, and how. */
export const logOptions = {
  logLevel: option({
    env: 'TELEMETRY_LOG_LEVEL',
    flag: '--log-level <level>',
    schema: oneOf(['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent']),
    default: 'info',
    description: 'least severity that is logged: trace, debug, info, warn, error, fatal or silent',
  }),
  logLevelFile: option({
    env: 'TELEMETRY_LOG_LEVEL_FILE',
    flag: '--log-level-file <path>',
    schema: fileOrNone,
    default: '',
    description:
      'absolute path of a file with such a level, which goes before and is read again at SIGHUP',
  }),
  logFormat: option({
    env: 'TELEMETRY_LOG_FORMAT',
    flag: '--log-format <format>',
    schema: oneOf(['auto', 'json', 'pretty']),
    default: 'auto',
    description: 'json, pretty, or auto: pretty in a terminal and json elsewhere',
  }),
} as const;
