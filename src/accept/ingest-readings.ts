import type { StringValue } from '@bufbuild/protobuf/wkt';
import type { ConnectRouter, HandlerContext, ServiceImpl } from '@connectrpc/connect';
import {
  type BinaryBatch,
  BinaryIngestService,
  JsonIngestService,
} from '../../gen/typescript/gravitas/telemetry/internal/v1/raw_ingest_pb.js';
import type { RecordKind } from '../records/tables.ts';
import { callOf } from '../serve/current-call.ts';
import { MessageText, messageBytes } from '../serve/message-text.ts';
import { jsonAnswers } from '../serve/protocol/connect.ts';
import { eventOf, type IngestHandlers, type ReadBatch, usageOf } from './ingest-handlers.ts';
import { readJsonBatch, readJsonRecord, readNdjson } from './read-json.ts';

/** A batch by the contract, whose JSON leaves out lists that are empty. */
export const contractBatch: ReadBatch<Uint8Array> = (bytes, rowsMax) =>
  readJsonBatch(bytes, { rowsMax, mayBeEmpty: true });

/** A batch by its plain name, which whoever sends it wants to be stored. */
export const plainBatch: ReadBatch<Uint8Array> = (bytes, rowsMax) =>
  readJsonBatch(bytes, { rowsMax, mayBeEmpty: false });

const undecoded: ReadBatch<BinaryBatch> = (batch) => batch;

const asItIs = <T>(response: T): T => response;

const ofText =
  (read: ReadBatch<Uint8Array>): ReadBatch<StringValue> =>
  ({ value }, rowsMax) =>
    read(messageBytes(value), rowsMax);

async function* oneByOne<T>(lists: AsyncIterable<readonly T[]>): AsyncGenerator<T> {
  for await (const list of lists) yield* list;
}

/** IngestService, read from protobuf. */
export const registerBinary = (handlers: IngestHandlers) => (router: ConnectRouter) =>
  router.service(BinaryIngestService, {
    log: (request, context) => handlers.log(callOf(context), 'event', eventOf(request), asItIs),
    logUsage: (request, context) =>
      handlers.log(callOf(context), 'usage', usageOf(request), asItIs),
    logBatch: (request, context) => handlers.logBatch(callOf(context), request, undecoded),
    streamEvents: (requests, context) =>
      handlers.streamEvents(
        callOf(context),
        handlers.prepared(callOf(context), requests, undecoded),
      ),
    streamBatches: (requests, context) =>
      oneByOne(
        handlers.streamBatches(
          callOf(context),
          handlers.prepared(callOf(context), requests, undecoded),
        ),
      ),
  });

/** The same, read from JSON that is given as its own text. */
export function registerJson(handlers: IngestHandlers): (router: ConnectRouter) => void {
  const record = (kind: RecordKind) => (request: StringValue, context: HandlerContext) =>
    handlers.log(callOf(context), kind, readJsonRecord(messageBytes(request.value), kind), asItIs);
  const batch = (read: ReadBatch<Uint8Array>) => (request: StringValue, context: HandlerContext) =>
    handlers.logBatch(callOf(context), request, ofText(read), request.value.length);
  const batches = (requests: AsyncIterable<StringValue>, context: HandlerContext) =>
    handlers.prepared(callOf(context), requests, ofText(contractBatch), ({ value }) => value);
  const methods: ServiceImpl<typeof JsonIngestService> = {
    log: record('event'),
    logUsage: record('usage'),
    logBatch: batch(contractBatch),
    postBatch: batch(plainBatch),
    postLines: batch(readNdjson),
    streamEvents: (requests, context) =>
      handlers.streamEvents(callOf(context), batches(requests, context)),
    streamBatches: (requests, context) =>
      oneByOne(handlers.streamBatches(callOf(context), batches(requests, context))),
  };
  const jsonOptions = { ...jsonAnswers, textDecoder: new MessageText() };
  return (router) => router.service(JsonIngestService, methods, { jsonOptions });
}
