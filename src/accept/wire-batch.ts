import { fromBinary } from '@bufbuild/protobuf';
import { BinaryBatchSchema } from '../../gen/typescript/gravitas/telemetry/internal/v1/raw_ingest_pb.js';
import { errorMessage, ServiceError } from '../errors.ts';
import type { RawBatch } from './raw-batch.ts';
import { RecordCounter } from './record-counter.ts';

const tags = { batchId: 0x0a, events: 0x12, usage: 0x1a } as const;
const uuidLength = 36;

/**
 * Divides a batch in protobuf's encoding into its records, which are views of its bytes. Throws a `ServiceError` of kind
 * `invalid` where it can't be read.
 */
export function readWireBatch(bytes: Uint8Array, rowsMax: number): RawBatch {
  const batch = { batchId: '', events: [] as Uint8Array[], usage: [] as Uint8Array[] };
  const any = () => readAny(bytes, rowsMax);
  for (let at = 0; at < bytes.length; ) {
    const tag = bytes[at++] as number;
    let length = at < bytes.length ? (bytes[at++] as number) : -1;
    for (let shift = 7; shift <= 14 && length >= 1 << shift; shift += 7) {
      if (at >= bytes.length) return any();
      length = (length & ((1 << shift) - 1)) | ((bytes[at++] as number) << shift);
    }
    const end = at + length;
    if (length < 0 || length >= 1 << 21 || end > bytes.length) return any();
    if (tag === tags.events) batch.events.push(bytes.subarray(at, end));
    else if (tag === tags.usage) batch.usage.push(bytes.subarray(at, end));
    else if (tag === tags.batchId && length === uuidLength) batch.batchId = latin1(bytes, at, end);
    else return any();
    at = end;
    if (batch.events.length + batch.usage.length > 2 * rowsMax) return any();
  }
  return batch;
}

/** What is unusual or malformed is left to the library. */
function readAny(bytes: Uint8Array, rowsMax: number): RawBatch {
  new RecordCounter(rowsMax).add(bytes);
  try {
    return fromBinary(BinaryBatchSchema, bytes, { readUnknownFields: false });
  } catch (error) {
    throw new ServiceError('invalid', `malformed protobuf: ${errorMessage(error)}`);
  }
}

/** An id that is not ASCII is no UUID, however it is read. */
const latin1 = (bytes: Uint8Array, at: number, end: number): string =>
  Buffer.from(bytes.buffer, bytes.byteOffset + at, end - at).toString('latin1');
