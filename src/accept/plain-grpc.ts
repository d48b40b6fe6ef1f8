import {
  create,
  type DescMessage,
  fromBinary,
  type MessageInitShape,
  type MessageShape,
  toBinary,
} from '@bufbuild/protobuf';
import type { BinaryIngestService } from '../../gen/typescript/gravitas/telemetry/internal/v1/raw_ingest_pb.js';
import { ByteWriter } from '../records/byte-writer.ts';
import type { GrpcWay } from '../serve/route.ts';
import { eventOf, type IngestHandlers, usageOf } from './ingest-handlers.ts';
import type { RawBatch } from './raw-batch.ts';
import { recordMessage } from './record-message.ts';
import { readWireBatch } from './wire-batch.ts';
import { WireRequests } from './wire-request.ts';
import { writeBatchAnswer } from './write-ack.ts';

/** Unary gRPC that is not compressed, which takes the library several times as long. */
export function plainGrpc(
  handlers: IngestHandlers,
  { log, logUsage, logBatch }: typeof BinaryIngestService.method,
): Readonly<Record<'log' | 'logUsage' | 'logBatch', GrpcWay['serve']>> {
  const wire = new WireRequests();
  const writer = new ByteWriter();
  const batchMessage = (answer: MessageInitShape<typeof logBatch.output>): Uint8Array => {
    writer.restart();
    if (writeBatchAnswer(writer, answer)) return writer.copy();
    return toBinary(logBatch.output, create(logBatch.output, answer));
  };
  return {
    log: (call, message) => {
      const request = wire.read(message) ?? read(log.input, message, eventOf);
      return request && handlers.log(call, 'event', request, recordMessage);
    },
    logUsage: (call, message) => {
      const request = read(logUsage.input, message, usageOf);
      return request && handlers.log(call, 'usage', request, recordMessage);
    },
    logBatch: (call, message) => handlers.logBatch(call, message, readWireBatch).then(batchMessage),
  };
}

function read<Desc extends DescMessage>(
  schema: Desc,
  message: Uint8Array,
  batchOf: (request: MessageShape<Desc>) => RawBatch,
): RawBatch | undefined {
  try {
    return batchOf(fromBinary(schema, message, { readUnknownFields: false }));
  } catch {
    return undefined;
  }
}
