import { once } from 'node:events';
import http from 'node:http';
import net from 'node:net';
import { buffer } from 'node:stream/consumers';
import { gunzipSync } from 'node:zlib';
import { create, fromBinary, toBinary } from '@bufbuild/protobuf';
import {
  type LogBatchRequest,
  LogBatchRequestSchema,
  LogBatchResponseSchema,
} from '../../gen/gravitas/telemetry/v1/ingest_pb.js';

export interface ScriptedAnswer {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
}

/** An answer to what came: the body as it travelled, and what it says. */
type Script = ScriptedAnswer | ((body: Buffer, batch: LogBatchRequest) => ScriptedAnswer);

export interface ScriptedServer {
  readonly url: string;
  readonly batches: readonly LogBatchRequest[];
  /** Those that were answered as the service answers. */
  readonly acknowledged: readonly LogBatchRequest[];
  readonly requests: readonly http.IncomingMessage[];
  stop(): Promise<void>;
}

/** Answers by a script, whose last answer is repeated; a 200 without a body is an acknowledgement. */
export async function startScriptedServer(answers: Script[]): Promise<ScriptedServer> {
  const batches: LogBatchRequest[] = [];
  const acknowledged: LogBatchRequest[] = [];
  const requests: http.IncomingMessage[] = [];
  const server = http.createServer(async (request, response) => {
    const body = await buffer(request);
    const isGzip = request.headers['content-encoding'] === 'gzip';
    const batch = fromBinary(LogBatchRequestSchema, isGzip ? gunzipSync(body) : body);
    batches.push(batch);
    const script = answers[Math.min(requests.length, answers.length - 1)] as Script;
    const answer = typeof script === 'function' ? script(body, batch) : script;
    requests.push(request);
    const own = answer.status === 200 && answer.body === undefined;
    if (own) acknowledged.push(batch);
    response
      .writeHead(answer.status, answer.headers)
      .end(own ? acknowledgement(batch) : answer.body);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as net.AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    batches,
    acknowledged,
    requests,
    stop: async () => {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}

const acknowledgement = ({ batchId, events, usage }: LogBatchRequest): Uint8Array =>
  toBinary(
    LogBatchResponseSchema,
    create(LogBatchResponseSchema, { batchId, events: events.length, usage: usage.length }),
  );

export interface BlackHole {
  readonly url: string;
  connections: number;
  stop(): Promise<void>;
}

/** Takes connections and what is sent, and never answers. */
export async function startBlackHole(): Promise<BlackHole> {
  const sockets = new Set<net.Socket>();
  const server = net.createServer((socket) => {
    hole.connections += 1;
    sockets.add(socket);
    socket.resume().on('error', () => {});
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const hole: BlackHole = {
    url: `http://127.0.0.1:${(server.address() as net.AddressInfo).port}`,
    connections: 0,
    stop: async () => {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, 'close');
    },
  };
  return hole;
}
