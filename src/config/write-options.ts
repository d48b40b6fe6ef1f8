import { mebibyte } from '../units.ts';
import { option, wholeNumber } from './option.ts';

/** How records are gathered, committed and spooled. */
export const writeOptions = {
  writers: option({
    env: 'TELEMETRY_WRITERS',
    flag: '--writers <number>',
    schema: wholeNumber(1, 16),
    default: '2',
    description: 'database connections that write streamed batches; unary requests have one more',
  }),
  groupRowsMax: option({
    env: 'TELEMETRY_GROUP_ROWS_MAX',
    flag: '--group-rows-max <rows>',
    schema: wholeNumber(1, 100_000),
    default: '10000',
    description: 'most rows that are committed together, unless one batch has more',
  }),
  groupBytesMax: option({
    env: 'TELEMETRY_GROUP_BYTES_MAX',
    flag: '--group-bytes-max <bytes>',
    schema: wholeNumber(1024, 256 * mebibyte),
    default: String(8 * mebibyte),
    memoryShare: 1 / 64,
    isEach: true,
    description:
      'most bytes of encoded rows that are committed together, unless one batch has more',
  }),
  groupAgeMsMax: option({
    env: 'TELEMETRY_GROUP_AGE_MS_MAX',
    flag: '--group-age-ms-max <ms>',
    // A unary request must be able to wait for so long and still be stored in time.
    schema: wholeNumber(0, 500),
    default: '5',
    description: 'how long a group that is not full waits for more streamed batches',
  }),
  bufferBytesMax: option({
    env: 'TELEMETRY_BUFFER_BYTES_MAX',
    flag: '--buffer-bytes-max <bytes>',
    schema: wholeNumber(mebibyte, 4096 * mebibyte),
    default: String(64 * mebibyte),
    memoryShare: 1 / 16,
    description: 'bytes of encoded rows held in memory; a quarter of it is kept for unary requests',
  }),
  unaryMsMax: option({
    env: 'TELEMETRY_UNARY_MS_MAX',
    flag: '--unary-ms-max <ms>',
    schema: wholeNumber(10, 60_000),
    default: '900',
    description: 'a unary request is answered within so long: stored, or refused as retryable',
  }),
  commitMsMax: option({
    env: 'TELEMETRY_COMMIT_MS_MAX',
    flag: '--commit-ms-max <ms>',
    schema: wholeNumber(10, 60_000),
    default: '400',
    description:
      'a commit of single posts that takes longer is left behind, and its batches are spooled',
  }),
  streamCommitMsMax: option({
    env: 'TELEMETRY_STREAM_COMMIT_MS_MAX',
    flag: '--stream-commit-ms-max <ms>',
    schema: wholeNumber(10, 60_000),
    default: '2000',
    description: 'the same for streamed batches and for unary ones of more than 100 records',
  }),
  spoolBytesMax: option({
    env: 'TELEMETRY_SPOOL_BYTES_MAX',
    flag: '--spool-bytes-max <bytes>',
    schema: wholeNumber(0, 1024 * 1024 * mebibyte),
    default: String(8192 * mebibyte),
    description: 'size of the spool on the local disk',
  }),
  diskReserveBytes: option({
    env: 'TELEMETRY_DISK_RESERVE_BYTES',
    flag: '--disk-reserve-bytes <bytes>',
    schema: wholeNumber(0, 1024 * 1024 * mebibyte),
    default: String(512 * mebibyte),
    description: 'free disk below which nothing is taken: it is left to PostgreSQL',
  }),
} as const;
