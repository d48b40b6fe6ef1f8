import { crc32 } from 'node:zlib';
import type { RecordCounts } from '../../records/tables.ts';
import type { Answer, Batch } from '../batch.ts';

/** The record format of docs/specs/buffer.md, version 1. */
const magic = Buffer.from('GTS1');
const prefixBytes = 12;

interface Head {
  readonly id: string;
  readonly groupId: string;
  readonly fingerprint: string;
  readonly rows: RecordCounts;
  readonly eventBytes: number;
  /** Absent where every record is stored. */
  readonly answer?: Answer;
}

export function encodeRecord(batch: Batch, groupId: string): Buffer {
  const head: Head = {
    id: batch.id,
    groupId: batch.groupId ?? groupId,
    fingerprint: Buffer.from(batch.fingerprint).toString('hex'),
    rows: { event: batch.event.rows, usage: batch.usage.rows },
    eventBytes: batch.event.copy.byteLength,
    ...(batch.answer.rejections.length > 0 && { answer: batch.answer }),
  };
  const headBytes = Buffer.from(JSON.stringify(head));
  const bodyBytes =
    4 + headBytes.length + batch.event.copy.byteLength + batch.usage.copy.byteLength;
  const record = Buffer.allocUnsafe(prefixBytes + bodyBytes);
  magic.copy(record);
  record.writeUInt32BE(bodyBytes, 4);
  record.writeUInt32BE(headBytes.length, prefixBytes);
  headBytes.copy(record, prefixBytes + 4);
  record.set(batch.event.copy, prefixBytes + 4 + headBytes.length);
  record.set(batch.usage.copy, record.length - batch.usage.copy.byteLength);
  record.writeUInt32BE(crc32(record.subarray(prefixBytes)), 8);
  return record;
}

export interface ReadSegment {
  /** Valid records, in order. */
  readonly batches: Batch[];
  /** Stretches between them that are none. */
  readonly damaged: number;
}

/** Reads what is whole in a segment, whatever lies between (5.5, 5.10). */
export function readSegment(bytes: Buffer): ReadSegment {
  const batches: Batch[] = [];
  let damaged = 0;
  for (let offset = 0; offset < bytes.length; ) {
    const length = wholeRecordBytes(bytes, offset);
    if (length > 0) {
      batches.push(decodeRecord(bytes.subarray(offset, offset + length)));
      offset += length;
      continue;
    }
    damaged += 1;
    offset = nextWholeRecord(bytes, offset + 1);
  }
  return { batches, damaged };
}

/** Where the next whole record begins, or the end. */
function nextWholeRecord(bytes: Buffer, from: number): number {
  for (let at = bytes.indexOf(magic, from); at >= 0; at = bytes.indexOf(magic, at + 1)) {
    if (wholeRecordBytes(bytes, at) > 0) return at;
  }
  return bytes.length;
}

/** The length of the record at an offset; 0 when there is none, or a damaged one. */
function wholeRecordBytes(bytes: Buffer, offset: number): number {
  if (offset + prefixBytes > bytes.length) return 0;
  if (!bytes.subarray(offset, offset + 4).equals(magic)) return 0;
  const end = offset + prefixBytes + bytes.readUInt32BE(offset + 4);
  if (end > bytes.length) return 0;
  const body = bytes.subarray(offset + prefixBytes, end);
  return crc32(body) === bytes.readUInt32BE(offset + 8) ? end - offset : 0;
}

function decodeRecord(record: Buffer): Batch {
  const headEnd = prefixBytes + 4 + record.readUInt32BE(prefixBytes);
  const head = JSON.parse(record.toString('utf8', prefixBytes + 4, headEnd)) as Head;
  const usageStart = headEnd + head.eventBytes;
  return {
    id: head.id,
    groupId: head.groupId,
    fingerprint: Buffer.from(head.fingerprint, 'hex'),
    answer: head.answer ?? { stored: head.rows, rejected: { event: 0, usage: 0 }, rejections: [] },
    event: { rows: head.rows.event, copy: record.subarray(headEnd, usageStart) },
    usage: { rows: head.rows.usage, copy: record.subarray(usageStart) },
  };
}
