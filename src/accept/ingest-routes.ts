import type { DescMethod } from '@bufbuild/protobuf';
import type { ConnectRouter } from '@connectrpc/connect';
import { createAsyncIterable, type UniversalHandler } from '@connectrpc/connect/protocol';
import {
  BinaryIngestService,
  JsonIngestService,
} from '../../gen/typescript/gravitas/telemetry/internal/v1/raw_ingest_pb.js';
import { IngestService } from '../../gen/typescript/gravitas/telemetry/v1/ingest_pb.js';
import { callOf } from '../serve/call.ts';
import { parseMediaType } from '../serve/media-type.ts';
import type { Route } from '../serve/route.ts';
import { type Rpc, routeOf } from '../serve/rpc.ts';
import type { Request } from '../serve/socket-server.ts';
import { decodeJsonBatch, recordBytesMax } from './decode.ts';
import type { GrpcStreams } from './grpc-streams.ts';
import { type IngestHandlers, readJsonLog, readJsonUsage, undecoded } from './ingest-handlers.ts';
import { isPlainJson, type PlainJson } from './plain-json.ts';

type MethodName = keyof typeof IngestService.method;

/** The RFC's names for methods of IngestService, which take JSON only. */
const restNames: Readonly<Partial<Record<MethodName, string>>> = {
  log: '/v1/telemetry/log',
  logUsage: '/v1/telemetry/usage',
  logBatch: '/v1/telemetry/batch',
};

/**
 * The ways in: each method of IngestService at its path of the contract and, where it has one, by
 * its plain name. A method has two readings, of protobuf and of JSON, and each of these may have a
 * quick way before the library's.
 */
export function ingestRoutes(
  rpc: Rpc,
  handlers: IngestHandlers,
  plainJson: PlainJson,
  grpcStreams: GrpcStreams,
): Route[] {
  const register = (router: ConnectRouter) => registerReadings(router, handlers);
  const ofBatches = rpc.handlers(register);
  const ofRecords = rpc.handlers(register, recordBytesMax);
  return Object.entries(IngestService.method).flatMap(([key, method]) => {
    const name = key as MethodName;
    const handlerOf = (reading: DescMethod) =>
      (name in plainJson.kinds ? ofRecords : ofBatches).get(reading) as UniversalHandler;
    const json = jsonRoute(rpc, handlerOf(JsonIngestService.method[name]), name, plainJson);
    const binary = grpcStreams.before(name, handlerOf(BinaryIngestService.method[name]));
    const route: Route = {
      ...routeOf(method),
      methods: ['POST'],
      serve: (call, request, response) =>
        isJson(request)
          ? json(call, request, response)
          : rpc.serve(binary, call, request, response),
    };
    const path = restNames[name];
    if (path === undefined) return [route];
    return [route, { ...route, path, mediaTypes: ['application/json'], serve: json }];
  });
}

/** Both readings of IngestService go to the same handlers. */
function registerReadings(router: ConnectRouter, handlers: IngestHandlers): void {
  router.service(BinaryIngestService, {
    log: (request, context) => handlers.log(callOf(context), request),
    logUsage: (request, context) => handlers.logUsage(callOf(context), request),
    logBatch: (request, context) => handlers.logBatch(callOf(context), request, undecoded),
    streamEvents: (requests, context) =>
      handlers.streamEvents(callOf(context), handlers.prepared(requests, undecoded)),
    streamBatches: (requests, context) =>
      handlers.streamBatches(callOf(context), handlers.prepared(requests, undecoded)),
  });
  router.service(JsonIngestService, {
    log: (request, context) => handlers.log(callOf(context), readJsonLog(request)),
    logUsage: (request, context) => handlers.logUsage(callOf(context), readJsonUsage(request)),
    logBatch: (request, context) => handlers.logBatch(callOf(context), request, decodeJsonBatch),
    streamEvents: (requests, context) =>
      handlers.streamEvents(callOf(context), handlers.prepared(requests, decodeJsonBatch)),
    streamBatches: (requests, context) =>
      handlers.streamBatches(callOf(context), handlers.prepared(requests, decodeJsonBatch)),
  });
}

/** JSON, by the quick way where that takes it. */
const jsonRoute =
  (rpc: Rpc, handler: UniversalHandler, name: MethodName, plainJson: PlainJson): Route['serve'] =>
  async (call, request, response) => {
    const kind = plainJson.kinds[name];
    if (!kind || !isPlainJson(request)) return await rpc.serve(handler, call, request, response);
    const left = await plainJson.serve(kind, call, response);
    if (left) await rpc.serve(handler, call, request, response, createAsyncIterable([left]));
  };

const isJson = ({ headers }: Request): boolean =>
  /\+json$|\/json$/.test(parseMediaType(headers['content-type'])?.essence ?? '');
