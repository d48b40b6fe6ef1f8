import { once } from 'node:events';
import http from 'node:http';
import http2 from 'node:http2';
import { create, fromBinary, toBinary } from '@bufbuild/protobuf';
import {
  Durability,
  StreamBatchesRequestSchema,
  StreamBatchesResponseSchema,
} from '../../gen/typescript/gravitas/telemetry/v1/ingest_pb.js';
import { envelope, ingestPath, openCall } from './raw-call.ts';

/** What has become of the records of a load so far. */
interface LoadCounts {
  committed: number;
  spooled: number;
  refused: number;
}

export interface Load {
  readonly counts: Readonly<LoadCounts>;
  /** Sends nothing more, and resolves when all is answered. */
  stop(): Promise<void>;
}

/** Posts of single events: on each connection the next when the last is answered. */
export function keepPosting<Event extends object>(
  port: number,
  connections: number,
  next: () => Event,
  onAcknowledged: (event: Event) => void = () => {},
): Load {
  const counts: LoadCounts = { committed: 0, spooled: 0, refused: 0 };
  const agent = new http.Agent({ keepAlive: true, maxSockets: connections });
  let stopped = false;
  const postAll = async (): Promise<void> => {
    while (!stopped) {
      const event = next();
      const { status, text } = await post(agent, port, JSON.stringify(event));
      if (status !== 200) {
        counts.refused += 1;
        continue;
      }
      counts[text.includes('DURABILITY_SPOOLED') ? 'spooled' : 'committed'] += 1;
      onAcknowledged(event);
    }
  };
  const loops = Array.from({ length: connections }, postAll);
  return {
    counts,
    stop: async () => {
      stopped = true;
      await Promise.all(loops);
      agent.destroy();
    },
  };
}

async function post(agent: http.Agent, port: number, body: string) {
  const request = http.request({
    agent,
    port,
    host: '127.0.0.1',
    path: '/v1/telemetry/log',
    method: 'POST',
    headers: { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) },
  });
  request.end(body);
  const [response] = (await once(request, 'response')) as [http.IncomingMessage];
  let text = '';
  response.setEncoding('utf8').on('data', (part: string) => {
    text += part;
  });
  await once(response, 'end');
  return { status: response.statusCode, text };
}

const inFlightMax = 16;

/**
 * Streams of gRPC, each on a connection of its own, as fast as they are acknowledged, or so many
 * events a second of all together: what was due and could not be sent is sent when it can.
 */
export function keepStreaming(
  port: number,
  streams: number,
  batchRows: number,
  perSecond = Number.POSITIVE_INFINITY,
): Load {
  const counts: LoadCounts = { committed: 0, spooled: 0, refused: 0 };
  const events = Array.from({ length: batchRows }, (_, value) => ({
    eventType: 'LIVE',
    component: `component-${value % 10}`,
    value,
    metadata: { position: value, text: 'x'.repeat(50) },
  }));
  const init = create(StreamBatchesRequestSchema, { events });
  // Without an id: the collector gives each batch one.
  const batch = envelope(toBinary(StreamBatchesRequestSchema, init));
  const batchesPerSecond = perSecond / streams / batchRows;
  const ends = Array.from({ length: streams }, () =>
    keepStream(port, batch, batchesPerSecond, (state) => {
      counts[state] += batchRows;
    }),
  );
  return {
    counts,
    stop: async () => {
      await Promise.all(ends.map((end) => end()));
    },
  };
}

const pacedEveryMs = 5;

function keepStream(
  port: number,
  batch: Buffer,
  batchesPerSecond: number,
  onAnswer: (state: keyof LoadCounts) => void,
) {
  const session = http2.connect(`http://127.0.0.1:${port}`);
  const headers = { 'content-type': 'application/grpc+proto' };
  const call = openCall(session, ingestPath('StreamBatches'), headers);
  const closed = once(call, 'close');
  const startedAt = performance.now();
  let [sent, answered] = [0, 0];
  const isDue = () => sent <= (batchesPerSecond * (performance.now() - startedAt)) / 1000;
  const send = () => {
    while (call.writable && sent - answered < inFlightMax && isDue()) {
      call.write(batch);
      sent += 1;
    }
  };
  let held = Buffer.alloc(0);
  call.on('data', (chunk: Buffer) => {
    held = Buffer.concat([held, chunk]);
    while (held.length >= 5 && held.length >= 5 + held.readUInt32BE(1)) {
      const end = 5 + held.readUInt32BE(1);
      const { ack } = fromBinary(StreamBatchesResponseSchema, held.subarray(5, end));
      held = held.subarray(end);
      answered += 1;
      if (!ack) onAnswer('refused');
      else onAnswer(ack.durability === Durability.SPOOLED ? 'spooled' : 'committed');
    }
    send();
  });
  send();
  const pace = setInterval(send, pacedEveryMs);
  return async () => {
    clearInterval(pace);
    call.end();
    await closed;
    session.destroy();
  };
}
