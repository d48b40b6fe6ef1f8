import { create, fromBinary, toBinary } from '@bufbuild/protobuf';
import { Code, ConnectError, createClient, type Transport } from '@connectrpc/connect';
import {
  createConnectTransport,
  createGrpcTransport,
  createGrpcWebTransport,
  Http2SessionManager,
} from '@connectrpc/connect-node';
import * as grpc from '@grpc/grpc-js';
import {
  Durability,
  IngestService,
  LogBatchRequestSchema,
  type LogBatchResponse,
  LogBatchResponseSchema,
} from '../../gen/typescript/gravitas/telemetry/v1/ingest_pb.js';
import { type Answer, type Delivery, unknown } from './deliveries.ts';

/** Sends a batch once, and says what came of it; gives up after `timeoutMs`. */
export type Send = (delivery: Delivery, timeoutMs: number) => Promise<Answer>;

const range = ([first, count]: readonly [number, number]) =>
  Array.from({ length: count }, (_, index) => first + index);

/** The records of a batch, the same at every try. */
export const batchOf = ({ id, client, events, usage, metadata }: Delivery) => ({
  batchId: id,
  events: range(events).map((value, index) => ({
    eventType: 'CHAOS',
    component: client,
    value,
    ...(metadata && index === 0 && { metadata }),
  })),
  usage: range(usage).map((number) => ({ model: client, inputTokens: BigInt(number) })),
});

export const acknowledged = (
  { events, usage, duplicate, durability }: LogBatchResponse,
  delivery: Delivery,
): Answer => {
  // What the database may refuse is counted otherwise, or not.
  const isWhole =
    delivery.metadata || (events === delivery.events[1] && usage === delivery.usage[1]);
  if (!isWhole)
    throw new Error(`${delivery.id}: ${events} events and ${usage} usage records acknowledged`);
  return { kind: 'acknowledged', duplicate, spooled: durability === Durability.SPOOLED };
};

/** The one refusal that says for sure that nothing is stored. */
export const refusalOf = (code: number): Answer =>
  code === Code.ResourceExhausted ? { kind: 'overloaded' } : unknown;

/** REST, one event at a time. */
function restSender(baseUrl: string): Send {
  return async ({ id, client, events: [value] }, timeoutMs) => {
    try {
      const response = await fetch(`${baseUrl}/v1/telemetry/log`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({
          event_type: 'CHAOS',
          component: client,
          value,
          idempotency_key: id,
        }),
        signal: AbortSignal.timeout(timeoutMs),
      });
      const body = (await response.json()) as { duplicate: boolean; durability: string };
      if (response.status === 429) return { kind: 'overloaded' };
      if (!response.ok) return unknown;
      const spooled = body.durability === 'DURABILITY_SPOOLED';
      return { kind: 'acknowledged', duplicate: body.duplicate, spooled };
    } catch {
      return unknown;
    }
  };
}

/** A connection of its own each time one has failed. */
function connectSender(makeTransport: (sessions: Http2SessionManager) => Transport) {
  return (baseUrl: string): Send => {
    let sessions = new Http2SessionManager(baseUrl);
    return async (delivery, timeoutMs) => {
      const client = createClient(IngestService, makeTransport(sessions));
      try {
        return acknowledged(await client.logBatch(batchOf(delivery), { timeoutMs }), delivery);
      } catch (error) {
        if (!(error instanceof ConnectError)) throw error;
        const answer = refusalOf(error.code);
        if (answer === unknown) {
          sessions.abort();
          sessions = new Http2SessionManager(baseUrl);
        }
        return answer;
      }
    };
  };
}

/** gRPC by an implementation that is not the collector's. */
function grpcJsSender(baseUrl: string): Send {
  const connect = () =>
    new grpc.Client(new URL(baseUrl).host, grpc.credentials.createInsecure(), {
      'grpc.max_reconnect_backoff_ms': 200,
      'grpc.use_local_subchannel_pool': 1,
    });
  let client = connect();
  return (delivery, timeoutMs) =>
    new Promise((resolve, reject) => {
      client.makeUnaryRequest(
        `/${IngestService.typeName}/LogBatch`,
        (request: ReturnType<typeof batchOf>) =>
          Buffer.from(toBinary(LogBatchRequestSchema, create(LogBatchRequestSchema, request))),
        (bytes) => fromBinary(LogBatchResponseSchema, bytes),
        batchOf(delivery),
        { deadline: Date.now() + timeoutMs },
        (error, response) => {
          if (error) {
            client.close();
            client = connect();
            resolve(refusalOf(error.code));
            return;
          }
          try {
            resolve(acknowledged(response as LogBatchResponse, delivery));
          } catch (wrong) {
            reject(wrong);
          }
        },
      );
    });
}

/** Every way to send one batch in one request; all but REST carry several records. */
export const senders: Readonly<Record<string, (baseUrl: string) => Send>> = {
  rest: restSender,
  'grpc-js': grpcJsSender,
  'connect-json': connectSender(({ authority: baseUrl }) =>
    createConnectTransport({ baseUrl, httpVersion: '1.1', useBinaryFormat: false }),
  ),
  'grpc-web': connectSender((sessionManager) =>
    createGrpcWebTransport({
      baseUrl: sessionManager.authority,
      httpVersion: '2',
      sessionManager,
    }),
  ),
  grpc: connectSender((sessionManager) =>
    createGrpcTransport({ baseUrl: sessionManager.authority, sessionManager }),
  ),
};
