import { promisify } from 'node:util';
import {
  create,
  type DescMessage,
  type DescMethod,
  fromBinary,
  type MessageInitShape,
  type MessageShape,
  toBinary,
} from '@bufbuild/protobuf';
import { findTrailerError } from '@connectrpc/connect/protocol-grpc';
import * as grpc from '@grpc/grpc-js';

type Init<M extends DescMethod> = MessageInitShape<M['input']>;
type Output<M extends DescMethod> = MessageShape<M['output']>;

/** grpc-js's generic client, told by the generated descriptions how a method is called. */
export class GrpcJsClient {
  readonly #client: grpc.Client;

  constructor(port: number) {
    this.#client = new grpc.Client(`127.0.0.1:${port}`, grpc.credentials.createInsecure());
  }

  close(): void {
    this.#client.close();
  }

  unary<M extends DescMethod>(method: M, request: Init<M>): Promise<Output<M>> {
    const call = (callback: grpc.requestCallback<Output<M>>) =>
      this.#client.makeUnaryRequest(...wire(method), request, callback);
    return promisify(call)() as Promise<Output<M>>;
  }

  /** The stream to write to, and the promise of the answer. */
  clientStream<M extends DescMethod>(method: M) {
    const { promise, resolve, reject } = Promise.withResolvers<Output<M>>();
    const requests = this.#client.makeClientStreamRequest(...wire(method), (error, answer) =>
      error ? reject(error) : resolve(answer as Output<M>),
    );
    return { requests, answer: promise };
  }

  serverStream<M extends DescMethod>(method: M, request: Init<M>) {
    return this.#client.makeServerStreamRequest(...wire(method), request);
  }

  bidirectional<M extends DescMethod>(method: M) {
    return this.#client.makeBidiStreamRequest(...wire(method));
  }
}

/** Path, serializer and deserializer of a method. */
function wire<M extends DescMethod>(method: M) {
  const input: DescMessage = method.input;
  return [
    `/${method.parent.typeName}/${method.name}`,
    (request: Init<M>) => Buffer.from(toBinary(input, create(input, request))),
    (bytes: Buffer) => fromBinary(method.output, bytes) as Output<M>,
  ] as const;
}

/** The details that came with an error, of one type. */
export function errorDetails<Desc extends DescMessage>(
  error: grpc.ServiceError,
  schema: Desc,
): MessageShape<Desc>[] {
  const trailer = new Headers({ 'grpc-status': String(error.code) });
  const [details] = error.metadata.get('grpc-status-details-bin');
  if (details) trailer.set('grpc-status-details-bin', (details as Buffer).toString('base64'));
  return findTrailerError(trailer)?.findDetails(schema) ?? [];
}
