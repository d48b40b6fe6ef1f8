import { once } from 'node:events';
import http from 'node:http';
import net from 'node:net';
import { buffer } from 'node:stream/consumers';
import { gunzipSync } from 'node:zlib';
import { fromBinary } from '@bufbuild/protobuf';
import {
  type LogBatchRequest,
  LogBatchRequestSchema,
} from '../../gen/gravitas/telemetry/v1/ingest_pb.js';

export interface ScriptedAnswer {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
}

export interface ScriptedServer {
  readonly url: string;
  readonly batches: readonly LogBatchRequest[];
  readonly requests: readonly http.IncomingMessage[];
  stop(): Promise<void>;
}

/** Answers by a script, whose last answer is repeated; the empty 200 is an acknowledgement. */
export async function startScriptedServer(answers: ScriptedAnswer[]): Promise<ScriptedServer> {
  const batches: LogBatchRequest[] = [];
  const requests: http.IncomingMessage[] = [];
  const server = http.createServer(async (request, response) => {
    const body = await buffer(request);
    const isGzip = request.headers['content-encoding'] === 'gzip';
    batches.push(fromBinary(LogBatchRequestSchema, isGzip ? gunzipSync(body) : body));
    const answer = answers[Math.min(requests.length, answers.length - 1)] as ScriptedAnswer;
    requests.push(request);
    response.writeHead(answer.status, answer.headers).end(answer.body);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as net.AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    batches,
    requests,
    stop: async () => {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}

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
