import http2, { type ServerHttp2Stream } from 'node:http2';
import { Durability } from '../../gen/typescript/gravitas/telemetry/v1/ingest_pb.js';
import { recordMessage } from '../../src/accept/record-message.ts';
import { readWireBatch } from '../../src/accept/wire-batch.ts';
import { WireRequests } from '../../src/accept/wire-request.ts';
import { writeBatchAnswer } from '../../src/accept/write-ack.ts';
import { ByteWriter } from '../../src/records/byte-writer.ts';
import { frameOf, onlyMessage } from '../../src/serve/grpc-unary.ts';

/**
 * The least that Node's own HTTP/2 can do for a unary call of gRPC: it takes the message out of its
 * frame, reads it and writes an answer as the collector does, at once, and nothing is stored. Takes
 * the port.
 */
const batchId = '01990000-0000-7000-8000-000000000000';
const durability = Durability.COMMITTED;
const events = new WireRequests();
const writer = new ByteWriter();

/** By the last part of their paths. */
const methods: Readonly<Record<string, (message: Uint8Array) => Uint8Array>> = {
  Log: (message) => {
    events.read(message);
    return recordMessage({
      ...{ success: true, message: 'stored', id: batchId },
      ...{ durability, duplicate: false },
    });
  },
  LogBatch: (message) => {
    const { events: list } = readWireBatch(message, 1000);
    for (let at = 0; at < list.length; at++) events.read(list.at(at) as Uint8Array);
    writer.restart();
    writeBatchAnswer(writer, { batchId, durability, events: list.length });
    return writer.copy();
  },
};

function answer(stream: ServerHttp2Stream, path: string, chunks: readonly Uint8Array[]): void {
  const method = methods[path.slice(path.lastIndexOf('/') + 1)];
  const message = onlyMessage(Buffer.concat(chunks));
  if (!method || !message) throw new Error(`no call that is known: ${path}`);
  stream.on('wantTrailers', () => stream.sendTrailers({ 'grpc-status': '0' }));
  stream.respond({ ':status': 200, 'content-type': 'application/grpc' }, { waitForTrailers: true });
  stream.end(frameOf(method(message)));
}

http2
  .createServer()
  .on('stream', (stream, headers) => {
    const chunks: Uint8Array[] = [];
    stream.on('data', (chunk: Buffer) => chunks.push(chunk));
    stream.on('end', () => answer(stream, headers[':path'] as string, chunks));
  })
  .listen(Number(process.argv[2]), '127.0.0.1');
