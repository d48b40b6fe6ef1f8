import { create, type DescMethod, type MessageInitShape, toBinary } from '@bufbuild/protobuf';
import { createHandlerContext, type HandlerContext } from '@connectrpc/connect';
import {
  encodeEnvelope,
  type UniversalHandler,
  type UniversalServerRequest,
  type UniversalServerResponse,
} from '@connectrpc/connect/protocol';
import { parseTimeout } from '@connectrpc/connect/protocol-grpc';
import type {
  StreamBatchesResponseSchema,
  StreamEventsResponseSchema,
} from '../../gen/typescript/gravitas/telemetry/v1/ingest_pb.js';
import { ByteWriter } from '../records/byte-writer.ts';
import type { Call } from '../serve/call.ts';
import { callOf } from '../serve/current-call.ts';
import { GrpcFrames } from '../serve/grpc-frames.ts';
import { setGrpcStatus } from '../serve/protocol/grpc.ts';
import { type Tell, unlessLeft } from '../serve/told-error.ts';
import type { IngestHandlers, PreparedBatch } from './ingest-handlers.ts';
import { readWireBatch } from './wire-batch.ts';
import { writeAck } from './write-ack.ts';

type Response = MessageInitShape<
  typeof StreamBatchesResponseSchema | typeof StreamEventsResponseSchema
>;
type Serve = (
  call: Call,
  batches: AsyncIterable<readonly PreparedBatch[]>,
) => AsyncIterable<readonly Response[]>;

/**
 * Serves streams of batches to uncompressed gRPC, encoding each as soon as its bytes are complete;
 * the library serves every other protocol.
 */
export class GrpcStreams {
  readonly #handlers: IngestHandlers;
  readonly #frames: GrpcFrames;
  readonly #tell: Tell;
  readonly #methods: Readonly<Partial<Record<string, Serve>>>;

  constructor(handlers: IngestHandlers, messageBytesMax: number, tell: Tell) {
    this.#handlers = handlers;
    this.#frames = new GrpcFrames(messageBytesMax);
    this.#tell = tell;
    this.#methods = {
      streamBatches: (...stream) => handlers.streamBatches(...stream),
      async *streamEvents(...stream) {
        yield [await handlers.streamEvents(...stream)];
      },
    };
  }

  /** A handler that takes what it can, and leaves the rest to the library's. */
  before(method: string, general: UniversalHandler): UniversalHandler {
    const serve = this.#methods[method];
    if (!serve) return general;
    const before = async (request: UniversalServerRequest) =>
      isUncompressed(request)
        ? this.#serve(request, general.method, serve)
        : await general(request);
    return Object.assign(before, general);
  }

  #serve(
    request: UniversalServerRequest,
    method: DescMethod,
    serve: Serve,
  ): UniversalServerResponse {
    const timeout = parseTimeout(request.header.get('grpc-timeout'), Number.POSITIVE_INFINITY);
    const context = contextOf(request, method, timeout.timeoutMs);
    const call = callOf(context);
    call.signal = context.signal;
    call.reachedHandler = true;
    const read = (message: Uint8Array) => this.#handlers.prepare(call, message, readWireBatch);
    const messages = this.#frames.messages(request.body as AsyncIterable<Uint8Array>, read);
    const trailer = new Headers();
    const tell = this.#tell;
    async function* body(): AsyncGenerator<Uint8Array> {
      try {
        if (timeout.error) throw timeout.error;
        for await (const answers of serve(call, call.messages(messages))) {
          yield envelopes(method, answers);
        }
        setGrpcStatus(trailer, undefined);
      } catch (error) {
        setGrpcStatus(trailer, tell(unlessLeft(error, request.signal), call));
      } finally {
        context.abort();
      }
    }
    const header = new Headers({ 'content-type': 'application/grpc+proto' });
    return { status: 200, header, body: body(), trailer };
  }
}

/** Answers as gRPC frames them, in one piece. */
function envelopes({ output }: DescMethod, answers: readonly Response[]): Uint8Array {
  const writer = new ByteWriter();
  for (const answer of answers) {
    if ('ack' in answer && writeAck(writer, answer)) continue;
    writer.raw(encodeEnvelope(0, toBinary(output, create(output, answer))));
  }
  return writer.bytes();
}

function contextOf(
  request: UniversalServerRequest,
  method: DescMethod,
  timeoutMs: number | undefined,
): HandlerContext & { abort(): void } {
  return createHandlerContext({
    method,
    url: request.url,
    service: method.parent,
    requestMethod: request.method,
    requestHeader: request.header,
    requestSignal: request.signal,
    protocolName: 'grpc',
    ...(request.contextValues && { contextValues: request.contextValues }),
    ...(timeoutMs !== undefined && { timeoutMs }),
  });
}

const contentTypes = ['application/grpc', 'application/grpc+proto'];

function isUncompressed({ header }: UniversalServerRequest): boolean {
  const encoding = header.get('grpc-encoding') ?? 'identity';
  return encoding === 'identity' && contentTypes.includes(header.get('content-type') ?? '');
}
