import { fromJsonString, toBinary } from '@bufbuild/protobuf';
import { LogBatchRequestSchema } from '../../gen/gravitas/telemetry/v1/ingest_pb.js';
import type { Sendable } from '../transport.ts';
import { uuidV7 } from './spool-files.ts';

const idPattern = new RegExp(`^${uuidV7}$`, 'i');

/** The batch of a line of a spool file (clause 4.2). Throws where it can't be read. */
export function readLine(line: Buffer): Sendable {
  const text = new TextDecoder('utf-8', { fatal: true }).decode(line);
  const request = fromJsonString(LogBatchRequestSchema, text);
  if (!idPattern.test(request.batchId)) throw new Error('the line has no batch_id');
  return {
    id: request.batchId,
    records: request.events.length + request.usage.length,
    bytes: toBinary(LogBatchRequestSchema, request),
  };
}
