import { create, fromBinary, toBinary } from '@bufbuild/protobuf';
import { uuidv7 } from 'uuidv7';
import { BinaryBatchSchema } from '../gen/gravitas/telemetry/internal/v1/raw_ingest_pb.js';
import { LogBatchRequestSchema } from '../gen/gravitas/telemetry/v1/ingest_pb.js';
import type { Batch } from './encode.ts';
import { batchLine } from './line.ts';
import type { Sendable } from './transport.ts';

/** The line of a batch of which only the bytes are at hand. */
export function lineOf({ bytes }: Sendable): string {
  const { batchId, events, usage } = fromBinary(LogBatchRequestSchema, bytes);
  return batchLine(batchId, events, usage);
}

/** Two halves of a batch of several records, the same whoever splits it (clause 2.4). */
export async function split(batch: Sendable): Promise<Batch[]> {
  const { events, usage } = fromBinary(BinaryBatchSchema, batch.bytes);
  const half = Math.ceil(batch.records / 2);
  const usageHalf = Math.max(0, half - events.length);
  return [
    await part(batch.id, 0, events.slice(0, half), usage.slice(0, usageHalf)),
    await part(batch.id, 1, events.slice(half), usage.slice(usageHalf)),
  ];
}

async function part(
  parentId: string,
  index: number,
  events: Uint8Array[],
  usage: Uint8Array[],
): Promise<Batch> {
  const id = await derivedId(parentId, index);
  const message = create(BinaryBatchSchema, { batchId: id, events, usage });
  const batch = {
    id,
    records: events.length + usage.length,
    bytes: toBinary(BinaryBatchSchema, message),
  };
  return { ...batch, line: () => lineOf(batch) };
}

/** A UUIDv7 of the same time, its other bits from a hash. */
async function derivedId(parentId: string, index: number): Promise<string> {
  // Pages that came by plain HTTP have none.
  if (!crypto.subtle) return uuidv7();
  const text = new TextEncoder().encode(`${parentId}/${index}`);
  const hash = new Uint8Array(await crypto.subtle.digest('SHA-256', text));
  const hex = [...hash].map((byte) => byte.toString(16).padStart(2, '0')).join('');
  const variant = (8 + (Number.parseInt(hex.charAt(4), 16) & 3)).toString(16);
  return `${parentId.slice(0, 13)}-7${hex.slice(1, 4)}-${variant}${hex.slice(5, 8)}-${hex.slice(8, 20)}`;
}
