import * as z from 'zod';
import { oneOf, option, wholeNumber } from './option.ts';

const bytesMax = 1024 ** 5;

const bytesOrAuto = z
  .string()
  .regex(/^(auto|\d+)$/, `expects auto, or a whole number from 0 to ${bytesMax}`)
  .transform((text) => (text === 'auto' ? text : Number(text)))
  .refine(
    (value) => value === 'auto' || value <= bytesMax,
    `expects auto, or a whole number from 0 to ${bytesMax}`,
  );

/** For how long what is stored is kept: docs/retention.md. */
export const retentionOptions = {
  retentionEventDays: option({
    env: 'TELEMETRY_RETENTION_EVENT_DAYS',
    flag: '--retention-event-days <days>',
    schema: wholeNumber(0, 36_500),
    default: '60',
    description: 'for how many days events are kept; 0: for ever',
  }),
  retentionUsageDays: option({
    env: 'TELEMETRY_RETENTION_USAGE_DAYS',
    flag: '--retention-usage-days <days>',
    schema: wholeNumber(0, 36_500),
    default: '60',
    description: 'the same of usage records',
  }),
  retentionQuarterDays: option({
    env: 'TELEMETRY_RETENTION_QUARTER_DAYS',
    flag: '--retention-quarter-days <days>',
    schema: wholeNumber(0, 36_500),
    default: '180',
    description:
      'for how many days their totals by quarter hour are kept, at least as long as they are themselves; 0: for ever',
  }),
  retentionHourDays: option({
    env: 'TELEMETRY_RETENTION_HOUR_DAYS',
    flag: '--retention-hour-days <days>',
    schema: wholeNumber(0, 36_500),
    default: '730',
    description: 'the same by hour, at least as long as by quarter hour; 0: for ever',
  }),
  retentionDayDays: option({
    env: 'TELEMETRY_RETENTION_DAY_DAYS',
    flag: '--retention-day-days <days>',
    schema: wholeNumber(0, 36_500),
    default: '1830',
    description: 'the same by day, at least as long as by hour; 0: for ever',
  }),
  retentionDeadLetterDays: option({
    env: 'TELEMETRY_RETENTION_DEAD_LETTER_DAYS',
    flag: '--retention-dead-letter-days <days>',
    schema: wholeNumber(0, 36_500),
    default: '365',
    description: 'for how many days dead letters are kept; 0: until somebody drops them',
  }),
  retentionAuditDays: option({
    env: 'TELEMETRY_RETENTION_AUDIT_DAYS',
    flag: '--retention-audit-days <days>',
    schema: wholeNumber(0, 36_500),
    default: '730',
    description: 'for how many days it is kept what operators did; 0: for ever',
  }),
  retentionBytesMax: option({
    env: 'TELEMETRY_RETENTION_BYTES_MAX',
    flag: '--retention-bytes-max <bytes>',
    schema: bytesOrAuto,
    default: 'auto',
    description:
      'size of all tables past which the oldest days are dropped early; 0: none; auto: none, and with the embedded database 70 % of its disk',
  }),
  retentionAdopted: option({
    env: 'TELEMETRY_RETENTION_ADOPTED',
    flag: '--retention-adopted <mode>',
    schema: oneOf(['keep', 'drop']),
    default: 'keep',
    description: 'whether adopted rows are kept for ever, or as long as others',
  }),
  rollupVerifyHour: option({
    env: 'TELEMETRY_ROLLUP_VERIFY_HOUR',
    flag: '--rollup-verify-hour <hour>',
    schema: z
      .string()
      .regex(/^(off|1?\d|2[0-3])$/, 'expects off, or an hour from 0 to 23')
      .transform((text) => (text === 'off' ? text : Number(text))),
    default: '3',
    description: 'hour (UTC) of the night in which rollups are compared with the rows; off: never',
  }),
} as const;
