import { dayMs, hourMs, mebibyte } from '../units.ts';
import { option, wholeNumber } from './option.ts';

/** What clients may ask for at a time, and how long. */
export const limitOptions = {
  messageBytesMax: option({
    env: 'TELEMETRY_MESSAGE_BYTES_MAX',
    flag: '--message-bytes-max <bytes>',
    schema: wholeNumber(1024, 64 * mebibyte),
    // Twice as much, of the smallest records there are, is more objects than the heap has room for.
    default: String(2 * mebibyte),
    memoryShare: 1 / 128,
    isEach: true,
    description: 'bytes of one message, after decompression',
  }),
  jsonValuesMax: option({
    env: 'TELEMETRY_JSON_VALUES_MAX',
    flag: '--json-values-max <number>',
    schema: wholeNumber(100, 10_000_000),
    default: '150000',
    description: 'numbers, strings, lists and so on in one message of JSON to a query',
  }),
  batchRowsMax: option({
    env: 'TELEMETRY_BATCH_ROWS_MAX',
    flag: '--batch-rows-max <rows>',
    schema: wholeNumber(1, 100_000),
    default: '10000',
    description: 'events and usage records in one batch',
  }),
  streamBatchesMax: option({
    env: 'TELEMETRY_STREAM_BATCHES_MAX',
    flag: '--stream-batches-max <batches>',
    schema: wholeNumber(1, 10_000),
    default: '64',
    description: 'batches of one stream that are not acknowledged yet',
  }),
  connectionsMax: option({
    env: 'TELEMETRY_CONNECTIONS_MAX',
    flag: '--connections-max <number>',
    schema: wholeNumber(1, 100_000),
    default: '2000',
    description: 'connections of clients at a time',
  }),
  connectionCallsMax: option({
    env: 'TELEMETRY_CONNECTION_CALLS_MAX',
    flag: '--connection-calls-max <number>',
    schema: wholeNumber(1, 10_000),
    default: '256',
    description: 'calls in progress on one HTTP/2 connection',
  }),
  callsMax: option({
    env: 'TELEMETRY_CALLS_MAX',
    flag: '--calls-max <number>',
    schema: wholeNumber(1, 1_000_000),
    default: '4000',
    description: 'calls in progress, streams among them',
  }),
  streamsMax: option({
    env: 'TELEMETRY_STREAMS_MAX',
    flag: '--streams-max <number>',
    schema: wholeNumber(1, 1_000_000),
    default: '1000',
    description: 'streams open at a time',
  }),
  tailsMax: option({
    env: 'TELEMETRY_TAILS_MAX',
    flag: '--tails-max <number>',
    schema: wholeNumber(0, 10_000),
    default: '100',
    description: 'clients that watch records as they are committed, by Tail',
  }),
  receiveBytesMax: option({
    env: 'TELEMETRY_RECEIVE_BYTES_MAX',
    flag: '--receive-bytes-max <bytes>',
    schema: wholeNumber(1024, 4096 * mebibyte),
    default: String(64 * mebibyte),
    memoryShare: 1 / 16,
    description: 'bytes held of messages that are being received, as they travel',
  }),
  headerBytesMax: option({
    env: 'TELEMETRY_HEADER_BYTES_MAX',
    flag: '--header-bytes-max <bytes>',
    schema: wholeNumber(1024, mebibyte),
    default: '16384',
    description: 'size of the header of a request',
  }),
  headerMsMax: option({
    env: 'TELEMETRY_HEADER_MS_MAX',
    flag: '--header-ms-max <ms>',
    schema: wholeNumber(100, 600_000),
    default: '10000',
    description:
      'how long the header of a request may take, the first bytes of a connection, and a handshake',
  }),
  requestMsMax: option({
    env: 'TELEMETRY_REQUEST_MS_MAX',
    flag: '--request-ms-max <ms>',
    schema: wholeNumber(100, hourMs),
    default: '30000',
    description: 'how long the request of a unary call may take to arrive',
  }),
  idleMsMax: option({
    env: 'TELEMETRY_IDLE_MS_MAX',
    flag: '--idle-ms-max <ms>',
    schema: wholeNumber(100, dayMs),
    default: '120000',
    description: 'a connection without a call is closed after so long',
  }),
  streamIdleMsMax: option({
    env: 'TELEMETRY_STREAM_IDLE_MS_MAX',
    flag: '--stream-idle-ms-max <ms>',
    schema: wholeNumber(100, dayMs),
    default: '300000',
    description: 'a stream whose client sends no message for so long is ended',
  }),
  connectionMsMax: option({
    env: 'TELEMETRY_CONNECTION_MS_MAX',
    flag: '--connection-ms-max <ms>',
    schema: wholeNumber(0, dayMs),
    default: '0',
    description:
      'how long a connection lasts before its client is told to make a new one, and a stream at the most; 0: for ever',
  }),
  streamMsMax: option({
    env: 'TELEMETRY_STREAM_MS_MAX',
    flag: '--stream-ms-max <ms>',
    schema: wholeNumber(100, 2_000_000_000),
    default: String(dayMs),
    description: 'how long a stream may last',
  }),
  resetsMax: option({
    env: 'TELEMETRY_RESETS_MAX',
    flag: '--resets-max <number>',
    schema: wholeNumber(30, 1_000_000),
    default: '1000',
    description:
      'calls that one HTTP/2 connection may cancel at once; after that a thirtieth of it a second',
  }),
} as const;
