import { create, fromBinary, toBinary } from '@bufbuild/protobuf';
import { ConnectError, createClient, type Transport } from '@connectrpc/connect';
import { createConnectTransport, createGrpcWebTransport } from '@connectrpc/connect-web';
import * as grpcWeb from 'grpc-web';
import {
  IngestService,
  LogRequestSchema,
  LogResponseSchema,
} from '../../gen/typescript/gravitas/telemetry/v1/ingest_pb.js';
import {
  Health,
  HealthCheckRequestSchema,
  HealthCheckResponseSchema,
} from '../../gen/typescript/grpc/health/v1/health_pb.js';

/** What a page does over each protocol, and what it gets to know of it. */
export interface Findings {
  readonly durability: number;
  readonly firstOfStream: number;
  /** Of a record without a type. */
  readonly errorCode: number;
  readonly errorMessage: string;
  /** From the headers of an answer. */
  readonly requestId: string | null | undefined;
}

const metadata = { authorization: 'Bearer of-a-page', 'x-of-the-page': '1' };

async function byConnect(transport: Transport, eventType: string): Promise<Findings> {
  const ingest = createClient(IngestService, transport);
  const stored = await ingest.log({ eventType }, { headers: metadata });
  const failed = await ingest.log({}, { headers: metadata }).then(
    () => expectedError(),
    (error) => ConnectError.from(error),
  );
  return {
    durability: stored.durability,
    firstOfStream: await firstOf(createClient(Health, transport).watch({})),
    errorCode: failed.code,
    errorMessage: failed.rawMessage,
    requestId: failed.metadata.get('x-request-id'),
  };
}

async function firstOf(stream: AsyncIterable<{ readonly status: number }>): Promise<number> {
  for await (const { status } of stream) return status;
  throw new Error('the stream is empty');
}

function expectedError(): never {
  throw new Error('a record without a type is taken');
}

/** By Google's client, which asks for text. */
async function byGrpcWebText(url: string, eventType: string): Promise<Findings> {
  const client = new grpcWeb.GrpcWebClientBase({ format: 'text' });
  const log = new grpcWeb.MethodDescriptor(
    '/gravitas.telemetry.v1.IngestService/Log',
    grpcWeb.MethodType.UNARY,
    Object,
    Object,
    (type: unknown) =>
      toBinary(LogRequestSchema, create(LogRequestSchema, { eventType: String(type) })),
    (bytes: Uint8Array) => fromBinary(LogResponseSchema, bytes),
  );
  const watch = new grpcWeb.MethodDescriptor(
    '/grpc.health.v1.Health/Watch',
    grpcWeb.MethodType.SERVER_STREAMING,
    Object,
    Object,
    () => toBinary(HealthCheckRequestSchema, create(HealthCheckRequestSchema)),
    (bytes: Uint8Array) => fromBinary(HealthCheckResponseSchema, bytes),
  );
  const call = (type: string) =>
    client.unaryCall(`${url}${log.getName()}`, type, metadata, log as never);
  const stored = (await call(eventType)) as { durability: number };
  const failed = (await call('').then(expectedError, (error) => error)) as grpcWeb.RpcError;
  const firstOfStream = await new Promise<number>((resolve, reject) => {
    const stream = client.serverStreaming(`${url}${watch.getName()}`, '', metadata, watch as never);
    stream.on('error', reject);
    stream.on('data', (message) => {
      const { status } = message as { status: number };
      stream.cancel();
      resolve(status);
    });
  });
  return {
    durability: stored.durability,
    firstOfStream,
    errorCode: failed.code,
    errorMessage: failed.message,
    requestId: failed.metadata?.['x-request-id'],
  };
}

export const protocols = {
  Connect: (url: string, type: string) => byConnect(createConnectTransport({ baseUrl: url }), type),
  'Connect with protobuf': (url: string, type: string) =>
    byConnect(createConnectTransport({ baseUrl: url, useBinaryFormat: true }), type),
  'gRPC-Web': (url: string, type: string) =>
    byConnect(createGrpcWebTransport({ baseUrl: url }), type),
  'gRPC-Web as text': byGrpcWebText,
};

/** Status and a header of an answer of plain HTTP. */
export async function ask(url: string): Promise<[number, string | null]> {
  const answer = await fetch(url, { headers: metadata });
  await answer.text();
  return [answer.status, answer.headers.get('x-request-id') ?? answer.headers.get('link')];
}
