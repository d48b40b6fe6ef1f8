import type { DescMethod } from '@bufbuild/protobuf';
import { StructSchema } from '@bufbuild/protobuf/wkt';
import {
  type ConnectRouter,
  type ConnectRouterOptions,
  createConnectRouter,
  createContextValues,
  type Interceptor,
} from '@connectrpc/connect';
import { createAsyncIterable, type UniversalHandler } from '@connectrpc/connect/protocol';
import {
  universalRequestFromNodeRequest,
  universalResponseToNodeResponse,
} from '@connectrpc/connect-node';
import {
  BinaryIngestService,
  JsonIngestService,
} from '../../gen/typescript/gravitas/telemetry/internal/v1/raw_ingest_pb.js';
import {
  IngestService,
  LogRequestSchema,
  LogUsageRequestSchema,
} from '../../gen/typescript/gravitas/telemetry/v1/ingest_pb.js';
import { recordBytesMax } from '../accept/decode.ts';
import { jsonAnswers } from '../accept/ingest-answers.ts';
import { isPlainJson, type PlainHandler } from '../accept/plain-json.ts';
import { ServiceError } from '../errors.ts';
import {
  type Call,
  CallLimits,
  type CallLimitsOptions,
  currentCall,
  refuseCall,
  takenInterceptor,
} from './call-limits.ts';
import { endWithAnswer } from './cut.ts';
import { boundedCompressions } from './decompression.ts';
import { dropFarDeadline } from './far-deadline.ts';
import { JsonDecoder } from './json-decoder.ts';
import { blameRequest, reached, reachedInterceptor } from './malformed.ts';
import type { OnRefused } from './refusals.ts';
import type { Request, RequestListener, Response } from './socket-server.ts';

/** A plain HTTP endpoint; its promise is rejected only by what nobody expected. */
type Endpoint = (request: Request, response: Response) => Promise<void>;

export interface HttpRoutesOptions {
  readonly routes: (router: ConnectRouter) => void;
  /** Plain HTTP by method and path, for example `GET /health`. */
  readonly endpoints: ReadonlyMap<string, Endpoint>;
  readonly interceptors: Interceptor[];
  /** Serves uncompressed gRPC by method, in place of the library. */
  readonly plainGrpc: ReadonlyMap<DescMethod, (general: UniversalHandler) => UniversalHandler>;
  /** Serves plain JSON over HTTP/1.1, in place of the library. */
  readonly plainJson: ReadonlyMap<DescMethod, PlainHandler>;
  /** Of one message, after decompression. */
  readonly messageBytesMax: number;
  /** Numbers, strings, lists and so on in one message of JSON. */
  readonly jsonValuesMax: number;
  readonly calls: CallLimitsOptions;
  readonly onStringsChanged: (strings: number) => void;
  readonly onError: (error: unknown) => void;
  readonly onRefused: OnRefused;
}

/** The RFC's names for methods of IngestService. */
const restNames: Readonly<Record<string, string>> = {
  '/v1/telemetry/log': 'Log',
  '/v1/telemetry/usage': 'LogUsage',
  '/v1/telemetry/batch': 'LogBatch',
};

const ingestPrefix = `/${IngestService.typeName}/`;
/** JSON can be nested this deep; a record's metadata much less, which it is told by itself. */
const jsonDepthMax = 1000;

/** Sends each request to its handler, by path and content type. */
export function httpRoutes(options: HttpRoutesOptions): RequestListener {
  const jsonOptions = {
    ...jsonAnswers,
    recursionLimit: jsonDepthMax,
    textDecoder: new JsonDecoder(options.jsonValuesMax, options.onStringsChanged),
  };
  const limits = new CallLimits(options.calls, options.onRefused);
  const rpc = rpcListener(options, limits, {
    interceptors: [reachedInterceptor, takenInterceptor, ...options.interceptors],
    acceptCompression: boundedCompressions(),
    readMaxBytes: options.messageBytesMax,
    jsonOptions,
    // Kept, every two bytes of them would become an object.
    binaryOptions: { readUnknownFields: false },
    requestGate: refuseCall,
  });
  return (request, response) => {
    endWithAnswer(request, response);
    const path = (request.url ?? '').split('?', 1)[0] as string;
    const endpoint = options.endpoints.get(`${request.method} ${path}`);
    if (endpoint) {
      // What operators ask is answered however many calls there are.
      const call = path.startsWith('/v1/') && limits.begin(request, response, 'unary');
      if (call instanceof ServiceError) {
        response.setHeader('retry-after', '1');
        sendError(response, 429, 'resource_exhausted', call.message);
        return;
      }
      endpoint(request, response).catch((error) => {
        options.onError(error);
        sendError(response, 500, 'internal', 'internal error');
      });
      return;
    }
    if (path in restNames && !acceptsRest(request, response, options.onRefused)) return;
    const method =
      restNames[path] ?? (path.startsWith(ingestPrefix) && path.slice(ingestPrefix.length));
    if (method) request.url = `/${reading(request).typeName}/${method}`;
    rpc(request, response);
  };
}

/** Serves Connect, gRPC and gRPC-Web; an unknown path is 404. */
function rpcListener(
  { routes, plainGrpc, plainJson, onRefused }: HttpRoutesOptions,
  limits: CallLimits,
  options: ConnectRouterOptions & { readonly readMaxBytes: number },
): RequestListener {
  const handlersUpTo = (readMaxBytes: number) => {
    const router = createConnectRouter({ ...options, readMaxBytes });
    routes(router);
    return router.handlers;
  };
  const { readMaxBytes } = options;
  const forRecords = handlersUpTo(Math.min(readMaxBytes, recordBytesMax)).filter(isForRecord);
  const all = [...handlersUpTo(readMaxBytes), ...forRecords];
  const handlers = new Map(
    all.map((handler) => [
      handler.requestPath,
      plainGrpc.get(handler.method)?.(handler) ?? handler,
    ]),
  );
  return (request, response) => {
    const handler = handlers.get((request.url ?? '').split('?', 1)[0] as string);
    if (!handler) {
      onRefused('not_found');
      sendError(response, 404, 'not_found', 'no such path');
      return;
    }
    const kind = handler.method.methodKind === 'unary' ? 'unary' : 'stream';
    const call = limits.begin(request, response, kind);
    serve(handler, call, request, response).catch(() => giveUp(response));
  };

  async function serve(
    handler: UniversalHandler,
    call: Call | ServiceError,
    request: Request,
    response: Response,
  ): Promise<void> {
    const byLibrary = async (body: AsyncIterable<Uint8Array>) => {
      const progress = { handler: false };
      const values = createContextValues().set(reached, progress).set(currentCall, call);
      const received = universalRequestFromNodeRequest(request, response, undefined, values);
      dropFarDeadline(received.header, limits.options.streamMsMax);
      const given = await handler({ ...received, body });
      const answer = progress.handler ? given : blameRequest(given, onRefused);
      await universalResponseToNodeResponse(answer, response);
    };
    if (call instanceof ServiceError) return await byLibrary(request);
    const plain = isPlainJson(request) && plainJson.get(handler.method);
    if (!plain) return await byLibrary(call.body(request));
    const left = await plain(request, response, call);
    if (left) await byLibrary(createAsyncIterable([left]));
  }
}

/** The request can't be read, or the connection is gone, and with it whoever could be told. */
function giveUp(response: Response): void {
  if (response.headersSent) {
    response.destroy();
    return;
  }
  response.writeHead(400);
  response.end();
}

/** Whether a message of the method is one record. */
const isForRecord = ({ method }: { readonly method: DescMethod }) =>
  method.input === LogRequestSchema ||
  method.input === LogUsageRequestSchema ||
  method.input === StructSchema;

/** IngestService has two readings, one by protobuf and one by JSON. */
function reading(request: Request): typeof BinaryIngestService | typeof JsonIngestService {
  const contentType = request.headers['content-type'] ?? '';
  return contentType.includes('json') ? JsonIngestService : BinaryIngestService;
}

function acceptsRest(request: Request, response: Response, onRefused: OnRefused): boolean {
  if (request.method !== 'POST') {
    onRefused('method');
    response.setHeader('allow', 'POST');
    sendError(response, 405, 'unimplemented', 'use POST');
    return false;
  }
  if (!/^application\/json\b/i.test(request.headers['content-type'] ?? '')) {
    onRefused('content_type');
    sendError(response, 415, 'invalid_argument', 'content-type must be application/json');
    return false;
  }
  return true;
}

/** An error in the shape in which Connect sends them. */
function sendError(response: Response, status: number, code: string, message: string): void {
  sendJson(response, status, { code, message });
}

export function sendJson(response: Response, status: number, body: unknown): void {
  if (response.headersSent) {
    response.end();
    return;
  }
  const bytes = Buffer.from(JSON.stringify(body));
  response.writeHead(status, {
    'content-type': 'application/json',
    'content-length': bytes.byteLength,
  });
  response.end(bytes);
}
