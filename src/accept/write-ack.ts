import type { MessageInitShape } from '@bufbuild/protobuf';
import type {
  LogBatchResponseSchema,
  StreamBatchesResponseSchema,
} from '../../gen/typescript/gravitas/telemetry/v1/ingest_pb.js';
import type { ByteWriter } from '../records/byte-writer.ts';
import { putInt32 } from '../records/wire/wire-fields.ts';

/** Field numbers and wire types (https://protobuf.dev/programming-guides/encoding). */
const tags = {
  sequence: 0x08,
  ack: 0x12,
  batchId: 0x0a,
  durability: 0x10,
  duplicate: 0x18,
  events: 0x20,
  usage: 0x28,
  rejected: 0x30,
  deadLettered: 0x40,
  duplicates: 0x48,
} as const;
const frameBytes = 5;
const idLength = 36;

/**
 * Writes the acknowledgement of a batch as gRPC frames it; returns false, with nothing written,
 * for one that has more to say than counts: that is left to the library.
 */
export function writeAck(
  writer: ByteWriter,
  { sequence = 0n, ack }: MessageInitShape<typeof StreamBatchesResponseSchema>,
): boolean {
  if (!ack || !saysCounts(ack)) return false;
  const start = writer.length;
  writer.uint8(0);
  writer.int32(0);
  writeCount(writer, tags.sequence, Number(sequence));
  writer.uint8(tags.ack);
  // Its length, which is below 128: an id and eight counts.
  const lengthAt = writer.length;
  writer.uint8(0);
  writeCounts(writer, ack);
  writer.buffer[lengthAt] = writer.length - lengthAt - 1;
  putInt32(writer.buffer, start + 1, writer.length - start - frameBytes);
  return true;
}

/** Writes the answer to a batch; returns false for the same as `writeAck`. */
export function writeBatchAnswer(writer: ByteWriter, answer: BatchAnswer): boolean {
  if (!saysCounts(answer)) return false;
  writeCounts(writer, answer);
  return true;
}

type BatchAnswer = MessageInitShape<typeof LogBatchResponseSchema>;

const saysCounts = ({ batchId, rejections = [] }: BatchAnswer): boolean =>
  rejections.length === 0 && batchId?.length === idLength;

function writeCounts(writer: ByteWriter, answer: BatchAnswer): void {
  writer.uint8(tags.batchId);
  writer.uint8(idLength);
  const idAt = writer.reserve(idLength);
  writer.buffer.write(answer.batchId as string, idAt, 'latin1');
  writer.length = idAt + idLength;
  writeCount(writer, tags.durability, answer.durability);
  writeCount(writer, tags.duplicate, answer.duplicate ? 1 : 0);
  writeCount(writer, tags.events, answer.events);
  writeCount(writer, tags.usage, answer.usage);
  writeCount(writer, tags.rejected, answer.rejected);
  writeCount(writer, tags.deadLettered, answer.deadLettered);
  writeCount(writer, tags.duplicates, answer.duplicates);
}

/** A whole number as a field, which is not there where it is 0. */
function writeCount(writer: ByteWriter, tag: number, value = 0): void {
  if (value === 0) return;
  writer.uint8(tag);
  let left = value;
  for (; left >= 0x80; left = Math.floor(left / 0x80)) writer.uint8((left % 0x80) | 0x80);
  writer.uint8(left);
}
