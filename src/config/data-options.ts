import * as z from 'zod';
import { fileOrNone, option, wholeNumber } from './option.ts';

/** Which records are taken, what becomes of them, and how they are read. */
export const dataOptions = {
  eventAgeDaysMax: option({
    env: 'TELEMETRY_EVENT_AGE_DAYS_MAX',
    flag: '--event-age-days-max <days>',
    schema: wholeNumber(1, 365),
    default: '30',
    description: 'how old the timestamp of a record may be',
  }),
  eventAheadMinutesMax: option({
    env: 'TELEMETRY_EVENT_AHEAD_MINUTES_MAX',
    flag: '--event-ahead-minutes-max <minutes>',
    schema: wholeNumber(1, 1440),
    default: '60',
    description: 'how far the timestamp of a record may lie ahead of our clock',
  }),
  partitionDaysAhead: option({
    env: 'TELEMETRY_PARTITION_DAYS_AHEAD',
    flag: '--partition-days-ahead <days>',
    schema: wholeNumber(2, 366),
    default: '2',
    description: 'for how many days there are partitions beforehand',
  }),
  queryConnectionsMax: option({
    env: 'TELEMETRY_QUERY_CONNECTIONS_MAX',
    flag: '--query-connections-max <number>',
    schema: wholeNumber(1, 64),
    default: '4',
    description: 'database connections for queries',
  }),
  queryMsMax: option({
    env: 'TELEMETRY_QUERY_MS_MAX',
    flag: '--query-ms-max <ms>',
    schema: wholeNumber(100, 600_000),
    default: '15000',
    description: 'how long the database may take over one query',
  }),
  rollupSeriesMax: option({
    env: 'TELEMETRY_ROLLUP_SERIES_MAX',
    flag: '--rollup-series-max <number>',
    schema: wholeNumber(1, 1_000_000),
    default: '50000',
    description:
      'combinations of event type, component and status, and as many of the dimensions of usage, that are rolled up by themselves; what comes after is rolled up as the rest',
  }),
  legacyTimeZone: option({
    env: 'TELEMETRY_LEGACY_TIME_ZONE',
    flag: '--legacy-time-zone <name>',
    schema: z.string().refine(isTimeZone, 'expects a time zone such as UTC or Europe/Berlin'),
    default: 'UTC',
    description:
      'time zone in which the times of older tables are read when their rows are adopted',
  }),
  pricesFile: option({
    env: 'TELEMETRY_PRICES_FILE',
    flag: '--prices-file <path>',
    schema: fileOrNone,
    default: '',
    description:
      'JSON file of your own prices, which go before the list; read again when it changes',
  }),
} as const;

/** By name: PostgreSQL takes numbers too, but counts them the other way round. */
function isTimeZone(name: string): boolean {
  // Tables of zones take 8 MB, of those only who needs another one.
  if (name === 'UTC') return true;
  try {
    return (
      /^[A-Za-z]/.test(name) && new Intl.DateTimeFormat('en', { timeZone: name }) !== undefined
    );
  } catch {
    return false;
  }
}
