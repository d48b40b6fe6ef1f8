import type { DescMethod } from '@bufbuild/protobuf';
import type { UniversalHandler } from '@connectrpc/connect/protocol';
import {
  BinaryIngestService,
  JsonIngestService,
} from '../../gen/typescript/gravitas/telemetry/internal/v1/raw_ingest_pb.js';
import { IngestService } from '../../gen/typescript/gravitas/telemetry/v1/ingest_pb.js';
import type { RecordKind } from '../records/tables.ts';
import { parseMediaType } from '../serve/media-type.ts';
import { jsonHeaders, send } from '../serve/plain-answers.ts';
import type { GrpcWay, Route } from '../serve/route.ts';
import { type Rpc, routeOf } from '../serve/rpc.ts';
import type { Request } from '../serve/socket-server.ts';
import { recordBytesMax } from './decode.ts';
import type { GrpcStreams } from './grpc-streams.ts';
import type { IngestHandlers, ReadBatch } from './ingest-handlers.ts';
import { contractBatch, plainBatch, registerBinary, registerJson } from './ingest-readings.ts';
import { plainGrpc } from './plain-grpc.ts';
import { isPlain, PlainJson, type ServePlain } from './plain-json.ts';
import { readNdjson } from './read-json.ts';
import { RecordCounter } from './record-counter.ts';

type Serve = Route['serve'];
type Way = Pick<Route, 'serve' | 'plain' | 'grpc'>;
type MethodName = keyof typeof IngestService.method;

const jsonType = 'application/json';
const linesType = 'application/x-ndjson';

/**
 * The ways in: each method of IngestService at its path of the contract and, where it has one, by
 * its plain name, which takes JSON only. A method has two readings, of protobuf and of JSON, and
 * each of these may have a quick way before the library's.
 */
export function ingestRoutes(
  rpc: Rpc,
  handlers: IngestHandlers,
  grpcStreams: GrpcStreams,
  messageBytesMax: number,
): Route[] {
  const json = jsonWays(rpc, handlers, messageBytesMax);
  const binary = binaryWays(rpc, handlers, grpcStreams, messageBytesMax);
  const contract = Object.entries(IngestService.method).map(([key, method]): Route => {
    const name = key as MethodName;
    const ways: Way = { ...json[name], ...binary[name] };
    const serve: Serve = (call, request, response) =>
      (isJson(request) ? json : binary)[name].serve(call, request, response);
    return { ...routeOf(method), methods: ['POST'], scope: 'ingest', ...ways, serve };
  });
  const batch: Serve = (call, request, response) =>
    (essenceOf(request) === linesType ? json.postLines : json.postBatch).serve(
      call,
      request,
      response,
    );
  return [
    ...contract,
    restRoute('log', [jsonType], json.log),
    restRoute('usage', [jsonType], json.logUsage),
    restRoute('batch', [jsonType, linesType], { ...json.postBatch, serve: batch }),
  ];
}

/** The RFC's name for a method. */
const restRoute = (name: string, mediaTypes: readonly string[], way: Way): Route => ({
  path: `/v1/telemetry/${name}`,
  methods: ['POST'],
  mediaTypes,
  kind: 'unary',
  scope: 'ingest',
  ...way,
});

/** By method, how JSON is served. */
function jsonWays(rpc: Rpc, handlers: IngestHandlers, messageBytesMax: number) {
  const register = registerJson(handlers);
  const ofBatches = libraryWays(rpc, rpc.handlers(register));
  const ofRecords = libraryWays(rpc, rpc.handlers(register, recordBytesMax));
  const plain = new PlainJson(handlers);
  const record = (method: DescMethod, kind: RecordKind) =>
    quick(plain.record(kind), ofRecords(method), Math.min(recordBytesMax, messageBytesMax));
  const batch = (method: DescMethod, read: ReadBatch<Uint8Array>) =>
    quick(plain.batch(read), ofBatches(method), messageBytesMax);
  const methods = JsonIngestService.method;
  return {
    log: record(methods.log, 'event'),
    logUsage: record(methods.logUsage, 'usage'),
    logBatch: batch(methods.logBatch, contractBatch),
    postBatch: batch(methods.postBatch, plainBatch),
    postLines: batch(methods.postLines, readNdjson),
    streamEvents: { serve: ofBatches(methods.streamEvents) },
    streamBatches: { serve: ofBatches(methods.streamBatches) },
  };
}

/** By method, how protobuf is served. */
function binaryWays(
  rpc: Rpc,
  handlers: IngestHandlers,
  grpcStreams: GrpcStreams,
  messageBytesMax: number,
) {
  const register = registerBinary(handlers);
  const counter = () => new RecordCounter(handlers.rowsMax);
  const ofBatches = libraryWays(rpc, rpc.handlers(register, undefined, counter), grpcStreams);
  const ofRecords = libraryWays(rpc, rpc.handlers(register, recordBytesMax));
  const methods = BinaryIngestService.method;
  const plain = plainGrpc(handlers, methods);
  const recordMax = Math.min(recordBytesMax, messageBytesMax);
  const grpc = (serve: GrpcWay['serve'], bytesMax: number): Pick<Route, 'grpc'> => ({
    grpc: { serve, bytesMax },
  });
  return {
    log: { serve: ofRecords(methods.log), ...grpc(plain.log, recordMax) },
    logUsage: { serve: ofRecords(methods.logUsage), ...grpc(plain.logUsage, recordMax) },
    logBatch: { serve: ofBatches(methods.logBatch), ...grpc(plain.logBatch, messageBytesMax) },
    streamEvents: { serve: ofBatches(methods.streamEvents) },
    streamBatches: { serve: ofBatches(methods.streamBatches) },
  };
}

/** By the library, after what the streams take themselves. */
function libraryWays(
  rpc: Rpc,
  handlers: ReadonlyMap<DescMethod, UniversalHandler>,
  grpcStreams?: GrpcStreams,
): (method: DescMethod) => Serve {
  return (method) => {
    const general = handlers.get(method) as UniversalHandler;
    const handler = grpcStreams?.before(method.localName, general) ?? general;
    return (call, request, response) => rpc.serve(handler, call, request, response);
  };
}

/** Serves plain requests itself, and leaves the others to the library. */
const quick = (servePlain: ServePlain, general: Serve, bytesMax: number): Way => ({
  plain: { mediaType: jsonType, bytesMax, serve: servePlain },
  serve: async (call, request, response) => {
    if (isPlain(request, bytesMax)) {
      send(response, 200, jsonHeaders, await servePlain(call, await call.whole()));
      return;
    }
    // It knows no lines, and need not: what it is given is text.
    if (essenceOf(request) === linesType) request.headers['content-type'] = jsonType;
    await general(call, request, response);
  },
});

const essenceOf = ({ headers }: Request): string =>
  parseMediaType(headers['content-type'])?.essence ?? '';

const isJson = (request: Request): boolean => /\+json$|\/json$/.test(essenceOf(request));
