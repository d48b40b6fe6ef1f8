import type { DescMethod } from '@bufbuild/protobuf';
import {
  type ConnectRouter,
  type ConnectRouterOptions,
  createConnectRouter,
  createContextValues,
  type Interceptor,
} from '@connectrpc/connect';
import type {
  UniversalHandler,
  UniversalServerRequest,
  UniversalServerResponse,
} from '@connectrpc/connect/protocol';
import {
  universalRequestFromNodeRequest,
  universalResponseToNodeResponse,
} from '@connectrpc/connect-node';
import type { Call } from './call.ts';
import type { RouteScope } from './caller.ts';
import {
  boundedCompressions,
  type Compression,
  readBy,
  readContentCodings,
} from './compression.ts';
import { callOf, currentCall } from './current-call.ts';
import { type MessageReader, uncompressedMessages } from './envelopes.ts';
import { readGetQuery } from './get-query.ts';
import { JsonDecoder } from './json-decoder.ts';
import { parseMediaType } from './media-type.ts';
import { jsonAnswers } from './protocol/connect.ts';
import { binaryRequest, textAnswer } from './protocol/grpc-web-text.ts';
import { protocolOf } from './protocol/protocol-of.ts';
import { RequestError } from './request-error.ts';
import type { Route } from './route.ts';
import type { Request, Response } from './socket-server.ts';
import { type Tell, unlessLeft } from './told-error.ts';

export interface RpcOptions {
  /** Of one message, after decompression. */
  readonly messageBytesMax: number;
  /** Numbers, strings, lists and so on in one message of JSON that is no telemetry. */
  readonly jsonValuesMax: number;
}

/** Serves Connect, gRPC and gRPC-Web by the library, whose errors are told as everybody's are. */
export class Rpc {
  readonly #options: RpcOptions;
  readonly #routerOptions: ConnectRouterOptions;
  readonly #compressions: readonly Compression[] = boundedCompressions();
  readonly #tell: Tell;

  constructor(options: RpcOptions, tell: Tell) {
    this.#options = options;
    this.#tell = tell;
    const jsonOptions = { ...jsonAnswers, textDecoder: new JsonDecoder(options.jsonValuesMax) };
    this.#routerOptions = {
      interceptors: [followCall],
      jsonOptions,
      // Kept, every two bytes of them would become an object.
      binaryOptions: { readUnknownFields: false },
      requestGate: (context) => {
        const call = callOf(context);
        call.signal = context.signal;
        call.trailer = context.responseTrailer;
      },
    };
  }

  /** A handler for each method of the services that are registered; `reader` for each message. */
  handlers(
    register: (router: ConnectRouter) => void,
    messageBytesMax = this.#options.messageBytesMax,
    reader?: () => MessageReader,
  ): Map<DescMethod, UniversalHandler> {
    const readMaxBytes = Math.min(messageBytesMax, this.#options.messageBytesMax);
    const acceptCompression = this.#compressions.map((each) =>
      reader ? readBy(each, reader) : each,
    );
    const router = createConnectRouter({ ...this.#routerOptions, acceptCompression, readMaxBytes });
    register(router);
    return new Map(
      router.handlers.map((handler) => [handler.method, this.#retelling(handler, reader)]),
    );
  }

  /** The same as routes, at the paths of the contract, which need a scope. */
  routes(scope: RouteScope, register: (router: ConnectRouter) => void): Route[] {
    return [...this.handlers(register).values()].map((handler) => ({
      ...routeOf(handler.method),
      // Nobody who has to have a name for it holds it for ever: his key ends it.
      ...(handler.method.methodKind === 'server_streaming' && scope !== 'none' && watched),
      methods: handler.allowedMethods,
      scope,
      serve: (call, request, response) => this.serve(handler, call, request, response),
    }));
  }

  /** Serves a call. Rejected where nobody can be told any more. */
  async serve(
    handler: UniversalHandler,
    call: Call,
    request: Request,
    response: Response,
  ): Promise<void> {
    const isHttp1 = request.httpVersionMajor === 1;
    if (isHttp1 && handler.method.methodKind === 'bidi_streaming') throw needsHttp2();
    // What HEAD is told is what GET would be, without the body.
    const method = request.method === 'HEAD' ? 'GET' : (request.method as string);
    // A GET has no body: what its header says of one would only mislead the library.
    if (method === 'GET') delete request.headers['content-type'];
    makeReadable(request);
    readContentCodings(request);
    const values = createContextValues().set(currentCall, call);
    const received = universalRequestFromNodeRequest(request, response, undefined, values);
    const answer = await handler(
      binaryRequest({
        ...received,
        ...(handler.method.methodKind === 'server_streaming' && {
          signal: AbortSignal.any([received.signal, call.ended]),
        }),
        ...(method === 'GET' && { url: readGetQuery(received.url) }),
        method,
        body: call.body(),
      }),
    );
    await send(textAnswer(answer, received), response);
  }

  /** The same handler, whose errors are told as everybody's are. */
  #retelling(handler: UniversalHandler, reader?: () => MessageReader): UniversalHandler {
    const retelling = async (request: UniversalServerRequest) => {
      const answer = await handler({ ...request, body: uncompressedMessages(request, reader) });
      const call = request.contextValues?.get(currentCall) as Call;
      // The library gives up a call with what was thrown as the reason, or with its caller's leaving.
      const failure = () => this.#tell(unlessLeft(call.signal.reason, request.signal), call);
      const protocol = protocolOf(request.header.get('content-type'));
      return protocol.retell(answer, failure, call.trailer ?? new Headers());
    };
    return Object.assign(retelling, handler);
  }
}

/** Both directions at once; a client that expects it over HTTP/1.1 would wait for ever. */
const needsHttp2 = () =>
  new RequestError('unimplemented', 'method', 'this method needs HTTP/2', {
    status: 505,
    headers: { connection: 'close' },
  });

/** The library wants a host that makes an address, and media types in their plainest form. */
function makeReadable({ headers }: Request): void {
  const host = headers[':authority'] === undefined ? 'host' : ':authority';
  if (!URL.canParse(`http://${headers[host] ?? ''}`)) headers[host] = 'localhost';
  const mediaType = parseMediaType(headers['content-type']);
  if (mediaType) headers['content-type'] = mediaType.essence;
}

const watched = { kind: 'watch' } as const;

/** Where a method is served, and what it takes. */
export const routeOf = ({ parent, name, methodKind }: DescMethod) => {
  const kind = methodKind === 'unary' ? 'unary' : 'stream';
  return { path: `/${parent.typeName}/${name}`, kind, mediaTypes: mediaTypes[kind] } as const;
};

const grpcMediaTypes = [
  'application/grpc',
  'application/grpc+proto',
  'application/grpc+json',
  'application/grpc-web',
  'application/grpc-web+proto',
  'application/grpc-web+json',
  'application/grpc-web-text',
  'application/grpc-web-text+proto',
];
const mediaTypes = {
  unary: ['application/json', 'application/proto', ...grpcMediaTypes],
  stream: ['application/connect+json', 'application/connect+proto', ...grpcMediaTypes],
};

/** Notes that a handler is reached, and of each message of a stream when it has been taken. */
const followCall: Interceptor = (next) => (request) => {
  const call = request.contextValues.get(currentCall) as Call;
  call.reachedHandler = true;
  return next(request.stream ? { ...request, message: call.messages(request.message) } : request);
};

async function send(answer: UniversalServerResponse, response: Response): Promise<void> {
  await universalResponseToNodeResponse(answer, response).catch((error) => {
    // Whoever could be told is gone.
    if (!response.destroyed && !response.writableEnded) throw error;
  });
}
