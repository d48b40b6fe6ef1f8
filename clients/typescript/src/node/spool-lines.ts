import { fromJsonString, toBinary } from '@bufbuild/protobuf';
import { LogBatchRequestSchema } from '../../gen/gravitas/telemetry/v1/ingest_pb.js';
import type { Sendable } from '../transport.ts';

const uuidV7Pattern = /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/i;

/** The batch of a line of a spool file (clause 4.2). Throws where it can't be read. */
export function readLine(line: string): Sendable {
  const request = fromJsonString(LogBatchRequestSchema, line);
  if (!uuidV7Pattern.test(request.batchId)) throw new Error('the line has no batch_id');
  return {
    id: request.batchId,
    records: request.events.length + request.usage.length,
    bytes: toBinary(LogBatchRequestSchema, request),
  };
}
