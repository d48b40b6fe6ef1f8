import { crc32 } from 'node:zlib';
import { byKind, type RecordCounts, type RecordKind, recordKinds } from '../../records/tables.ts';
import { isUuid } from '../../uuid.ts';
import type { Answer, Batch, EncodedRows } from '../batch.ts';

/** The record format of docs/specs/buffer.md, version 1. */
const magic = Buffer.from('GTS1');
const prefixBytes = 12;
const headStart = '{'.charCodeAt(0);

interface Head {
  readonly id: string;
  readonly groupId: string;
  readonly fingerprint: string;
  /** How many rows there are of each kind … */
  readonly rows: RecordCounts;
  /** … and their bytes. The first release wrote, and reads, those of the events only. */
  readonly bytes?: RecordCounts;
  readonly eventBytes: number;
  /** Absent where every record is stored. */
  readonly answer?: Answer;
}

const none = byKind(() => 0);

export function encodeRecord(batch: Batch, groupId: string): Buffer {
  const { rows } = batch;
  const head: Head = {
    id: batch.id,
    groupId: batch.groupId ?? groupId,
    fingerprint: Buffer.from(batch.fingerprint).toString('hex'),
    rows: byKind((kind) => rows[kind].count),
    bytes: byKind((kind) => rows[kind].copy.byteLength),
    eventBytes: rows.event.copy.byteLength,
    ...(batch.answer.rejections.length > 0 && { answer: batch.answer }),
  };
  const headBytes = Buffer.from(JSON.stringify(head));
  const prefix = Buffer.alloc(prefixBytes + 4);
  const copies = recordKinds.map((kind) => rows[kind].copy);
  const record = Buffer.concat([prefix, headBytes, ...copies]);
  magic.copy(record);
  record.writeUInt32BE(record.length - prefixBytes, 4);
  record.writeUInt32BE(headBytes.length, prefixBytes);
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
    const found = wholeRecord(bytes, offset);
    if (found) {
      batches.push(found.batch);
      offset = found.end;
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
    if (wholeRecord(bytes, at)) return at;
  }
  return bytes.length;
}

interface FoundRecord {
  readonly batch: Batch;
  readonly end: number;
}

/**
 * The record at an offset; undefined when there is none, or a damaged one. What clients send may
 * look like a record's beginning, checksum and all: it has to make sense too.
 */
function wholeRecord(bytes: Buffer, offset: number): FoundRecord | undefined {
  const bodyStart = offset + prefixBytes;
  if (bodyStart + 4 > bytes.length) return undefined;
  if (!bytes.subarray(offset, offset + 4).equals(magic)) return undefined;
  if (bytes[bodyStart + 4] !== headStart) return undefined;
  const end = bodyStart + bytes.readUInt32BE(offset + 4);
  if (end > bytes.length) return undefined;
  const body = bytes.subarray(bodyStart, end);
  if (crc32(body) !== bytes.readUInt32BE(offset + 8)) return undefined;
  const batch = decodeBody(body);
  return batch && { batch, end };
}

function decodeBody(body: Buffer): Batch | undefined {
  try {
    const headEnd = 4 + body.readUInt32BE(0);
    const head = JSON.parse(body.toString('utf8', 4, headEnd)) as Head;
    if (!isUuid(head.id) || !isUuid(head.groupId)) return undefined;
    return {
      id: head.id,
      groupId: head.groupId,
      fingerprint: Buffer.from(head.fingerprint, 'hex'),
      answer: head.answer ?? { stored: head.rows, rejected: none, rejections: [] },
      rows: divideRows(head, body.subarray(headEnd)),
    };
  } catch {
    return undefined;
  }
}

function divideRows(head: Head, copies: Buffer): Record<RecordKind, EncodedRows> {
  const { eventBytes } = head;
  const bytes = head.bytes ?? { event: eventBytes, usage: copies.length - eventBytes };
  let at = 0;
  const rows = byKind((kind) => {
    const start = at;
    // A release that did not know a kind says nothing of it.
    at += bytes[kind] ?? 0;
    return { count: head.rows[kind] ?? 0, copy: copies.subarray(start, at) };
  });
  if (at !== copies.length) throw new RangeError('the rows have other bytes than the head says');
  return rows;
}
