import http2 from 'node:http2';
import { create, toBinary } from '@bufbuild/protobuf';
import {
  Durability,
  LogResponseSchema,
} from '../../gen/typescript/gravitas/telemetry/v1/ingest_pb.js';

/**
 * The least that Node's own HTTP/2 can do for a unary call of gRPC: it reads the message and sends
 * the same answer each time, and nothing is stored. Takes the port.
 */
const message = toBinary(
  LogResponseSchema,
  create(LogResponseSchema, {
    success: true,
    message: 'stored',
    id: '01990000-0000-7000-8000-000000000000',
    durability: Durability.COMMITTED,
  }),
);
const frame = Buffer.alloc(5 + message.length);
frame.writeUInt32BE(message.length, 1);
frame.set(message, 5);

http2
  .createServer()
  .on('stream', (stream) => {
    stream.on('data', () => {});
    stream.on('wantTrailers', () => stream.sendTrailers({ 'grpc-status': '0' }));
    stream.on('end', () => {
      stream.respond(
        { ':status': 200, 'content-type': 'application/grpc' },
        { waitForTrailers: true },
      );
      stream.end(frame);
    });
  })
  .listen(Number(process.argv[2]), '127.0.0.1');
