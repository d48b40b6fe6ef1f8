import { create, toBinary } from '@bufbuild/protobuf';
import {
  LogBatchRequestSchema,
  LogRequestSchema,
} from '../../gen/typescript/gravitas/telemetry/v1/ingest_pb.js';
import { generateEvents } from '../support/events.ts';
import { type Latencies, latencies } from '../support/statistics.ts';
import { serveLoad } from './child.ts';
import { UnaryConnection } from './unary-connection.ts';

interface UnaryOptions {
  readonly port: number;
  readonly connections: number;
  /** Of each connection, under way at the same time. */
  readonly calls: number;
  /** Of each call: one is sent by `Log`, more by `LogBatch`. */
  readonly events: number;
  readonly seconds: number;
  readonly seed: number;
}

export interface UnaryResult extends Latencies {
  /** Of the calls that went well. */
  readonly rows: number;
  readonly seconds: number;
  readonly refusals: number;
}

const service = '/gravitas.telemetry.v1.IngestService';
const differentCalls = 256;
const frameHeaderBytes = 5;

function messages({ events, seed }: UnaryOptions): Buffer[] {
  const generated = generateEvents(differentCalls * events, seed).map(
    ({ event_type, ...event }) => ({ ...event, eventType: event_type }),
  );
  return Array.from({ length: differentCalls }, (_, call) => {
    const sent = generated.slice(call * events, (call + 1) * events);
    const message =
      events === 1
        ? toBinary(LogRequestSchema, create(LogRequestSchema, sent[0]))
        : toBinary(LogBatchRequestSchema, create(LogBatchRequestSchema, { events: sent }));
    const header = Buffer.alloc(frameHeaderBytes);
    header.writeUInt32BE(message.length, 1);
    return Buffer.concat([header, message]);
  });
}

/** Calls that each begin when one before has ended, as many as may be under way. */
async function run(
  connections: readonly UnaryConnection[],
  listeners: ((answers: readonly boolean[]) => void)[],
  options: UnaryOptions,
): Promise<UnaryResult> {
  const { calls, events, seconds } = options;
  const requests = messages(options);
  const done = Promise.withResolvers<void>();
  const ms: number[] = [];
  let [sent, underWay, rows] = [0, 0, 0];
  const startMs = performance.now();
  const endMs = startMs + seconds * 1000;
  for (const [index, connection] of connections.entries()) {
    // Answers come in another order than calls: of the time, the oldest call is meant.
    const begun: number[] = [];
    const send = () => {
      underWay += 1;
      begun.push(performance.now());
      connection.send(requests[sent++ % requests.length] as Buffer);
    };
    listeners[index] = (answers) => {
      const now = performance.now();
      for (const isWell of answers) {
        ms.push(now - (begun.shift() as number));
        underWay -= 1;
        if (isWell) rows += events;
        if (now < endMs) send();
      }
      if (underWay === 0) done.resolve();
    };
    for (let call = 0; call < calls; call++) send();
  }
  await done.promise;
  const elapsed = (performance.now() - startMs) / 1000;
  return { rows, seconds: elapsed, refusals: ms.length - rows / events, ...latencies(ms) };
}

await serveLoad(async (options: UnaryOptions) => {
  const listeners: ((answers: readonly boolean[]) => void)[] = [];
  const path = `${service}/${options.events === 1 ? 'Log' : 'LogBatch'}`;
  const connections = Array.from(
    { length: options.connections },
    (_, index) => new UnaryConnection(options.port, path, (answers) => listeners[index]?.(answers)),
  );
  await Promise.all(connections.map((connection) => connection.opened()));
  return async () => {
    const result = await run(connections, listeners, options);
    for (const connection of connections) connection.close();
    return result;
  };
});
