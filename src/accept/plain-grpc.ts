import {
  create,
  type DescMessage,
  fromBinary,
  type MessageInitShape,
  type MessageShape,
  toBinary,
} from '@bufbuild/protobuf';
import type { BinaryIngestService } from '../../gen/typescript/gravitas/telemetry/internal/v1/raw_ingest_pb.js';
import type { WholeCall } from '../serve/plain-call.ts';
import { eventOf, type IngestHandlers, usageOf } from './ingest-handlers.ts';
import { readWireBatch } from './wire-batch.ts';

/** Serves the only message of a request, and gives that of the answer; undefined where it can't be read. */
export type ServeMessage = (
  call: WholeCall,
  message: Uint8Array,
) => Promise<Uint8Array> | undefined;

/** Unary gRPC that is not compressed, which takes the library several times as long. */
export function plainGrpc(
  handlers: IngestHandlers,
  { log, logUsage, logBatch }: typeof BinaryIngestService.method,
): Readonly<Record<'log' | 'logUsage' | 'logBatch', ServeMessage>> {
  return {
    log: (call, message) => {
      const request = read(log.input, message);
      return request && answer(log.output, handlers.log(call, 'event', eventOf(request)));
    },
    logUsage: (call, message) => {
      const request = read(logUsage.input, message);
      return request && answer(logUsage.output, handlers.log(call, 'usage', usageOf(request)));
    },
    logBatch: (call, message) =>
      answer(logBatch.output, handlers.logBatch(call, message, readWireBatch)),
  };
}

function read<Desc extends DescMessage>(
  schema: Desc,
  message: Uint8Array,
): MessageShape<Desc> | undefined {
  try {
    return fromBinary(schema, message, { readUnknownFields: false });
  } catch {
    return undefined;
  }
}

const answer = async <Desc extends DescMessage>(
  schema: Desc,
  fields: Promise<MessageInitShape<Desc>>,
): Promise<Uint8Array> => toBinary(schema, create(schema, await fields));
