import { create, type DescMethod, type MessageInitShape, toBinary } from '@bufbuild/protobuf';
import { createHandlerContext, type HandlerContext } from '@connectrpc/connect';
import {
  encodeEnvelope,
  type UniversalHandler,
  type UniversalServerRequest,
  type UniversalServerResponse,
} from '@connectrpc/connect/protocol';
import { parseTimeout, setTrailerStatus } from '@connectrpc/connect/protocol-grpc';
import { BinaryIngestService } from '../../gen/typescript/gravitas/telemetry/internal/v1/raw_ingest_pb.js';
import type {
  StreamBatchesResponseSchema,
  StreamEventsResponseSchema,
} from '../../gen/typescript/gravitas/telemetry/v1/ingest_pb.js';
import { ServiceError } from '../errors.ts';
import { currentCall } from '../serve/call-limits.ts';
import { type Translate, toConnectError } from '../serve/connect-errors.ts';
import { GrpcFrames } from './grpc-frames.ts';
import type { IngestHandlers, PreparedBatch } from './ingest-handlers.ts';

type Answer = MessageInitShape<
  typeof StreamBatchesResponseSchema | typeof StreamEventsResponseSchema
>;
type Serve = (batches: AsyncIterable<PreparedBatch>, signal: AbortSignal) => AsyncIterable<Answer>;

/**
 * Serves streams of batches to uncompressed gRPC, encoding each as soon as its bytes are complete;
 * the library serves every other protocol.
 */
export class GrpcStreams {
  readonly #handlers: IngestHandlers;
  readonly #frames: GrpcFrames;
  readonly #translate: Translate;

  constructor(handlers: IngestHandlers, messageBytesMax: number, translate: Translate) {
    this.#handlers = handlers;
    this.#frames = new GrpcFrames(messageBytesMax);
    this.#translate = translate;
  }

  /** By method, what is to be put before the library's handler. */
  get methods(): ReadonlyMap<DescMethod, (general: UniversalHandler) => UniversalHandler> {
    const handlers = this.#handlers;
    const { streamBatches, streamEvents } = BinaryIngestService.method;
    const before = (serve: Serve) => (general: UniversalHandler) =>
      Object.assign(
        async (request: UniversalServerRequest) =>
          isPlain(request) ? this.#serve(request, general, serve) : await general(request),
        general,
      );
    return new Map<DescMethod, ReturnType<typeof before>>([
      [streamBatches, before((batches, signal) => handlers.streamBatches(batches, signal))],
      [
        streamEvents,
        before(async function* (batches, signal) {
          yield await handlers.streamEvents(batches, signal);
        }),
      ],
    ]);
  }

  #serve(
    request: UniversalServerRequest,
    { method }: UniversalHandler,
    serve: Serve,
  ): UniversalServerResponse {
    const timeout = parseTimeout(request.header.get('grpc-timeout'), Number.POSITIVE_INFINITY);
    const context = createHandlerContext({
      method,
      url: request.url,
      service: method.parent,
      requestMethod: request.method,
      requestHeader: request.header,
      requestSignal: request.signal,
      protocolName: 'grpc',
      ...(request.contextValues && { contextValues: request.contextValues }),
      ...(timeout.timeoutMs !== undefined && { timeoutMs: timeout.timeoutMs }),
    });
    const trailer = new Headers();
    const [batches, translate] = [this.#batches.bind(this), this.#translate];
    async function* body(): AsyncGenerator<Uint8Array> {
      try {
        if (timeout.error) throw timeout.error;
        for await (const answer of serve(batches(request, context), context.signal)) {
          yield encodeEnvelope(0, toBinary(method.output, create(method.output, answer)));
        }
        setTrailerStatus(trailer, undefined);
      } catch (error) {
        setTrailerStatus(trailer, translate(error, method.name));
      } finally {
        context.abort();
      }
    }
    const header = new Headers({ 'content-type': 'application/grpc+proto' });
    return { status: 200, header, body: body(), trailer };
  }

  #batches(
    { body }: UniversalServerRequest,
    { values }: HandlerContext,
  ): AsyncIterable<PreparedBatch> {
    const call = values.get(currentCall);
    if (call instanceof ServiceError) throw toConnectError(call);
    const read = (message: Uint8Array) => this.#handlers.prepareBinary(message);
    const batches = this.#frames.messages(body as AsyncIterable<Uint8Array>, read);
    return call?.messages(batches) ?? batches;
  }
}

const contentTypes = ['application/grpc', 'application/grpc+proto'];

function isPlain({ method, header }: UniversalServerRequest): boolean {
  const encoding = header.get('grpc-encoding') ?? 'identity';
  const contentType = header.get('content-type') ?? '';
  return method === 'POST' && encoding === 'identity' && contentTypes.includes(contentType);
}
