import { type ByteWriter, postgresEpochUs } from '../byte-writer.ts';
import { fingerprintTags } from '../fingerprint.ts';
import { limits } from '../limits.ts';
import { tables } from '../tables.ts';
import type { TimeWindow } from '../validate.ts';
import {
  isFiniteDouble,
  isLonger,
  putDouble,
  putFurtherNulls,
  putInt16,
  putInt32,
  putInt64,
  putNull,
  putNullableText,
  putText,
  readTimestampUs,
  unusual,
} from './wire-fields.ts';
import { jsonBytesPerByteMax, WireJson } from './wire-json.ts';

/** Bytes of a row, and of what the fingerprint is taken from, without its texts. */
const rowBytesMin = 128;
/** Where the texts of a row begin: after the number of fields, the id and two times. */
const fixedBytes = 2 + 20 + 12 + 12;

/** Beyond it an event is likely to be refused, and not worth the room for its row. */
const wireBytesMax = 2 * limits.metadataBytesMax;

const tags = {
  eventType: 0x0a,
  component: 0x12,
  value: 0x19,
  metadata: 0x22,
  status: 0x2a,
  timestamp: 0x32,
} as const;

/**
 * Turns an event's protobuf encoding into its row and its share of the fingerprint without an
 * object in between. Takes only what is usual: known fields, each once, and within the limits.
 * Whatever else there is, the general path decides about and finds the words for; what both take
 * they must write alike.
 */
export class WireEvents {
  readonly #row: ByteWriter;
  readonly #content: ByteWriter;
  #timeUsMin = 0;
  #timeUsMax = 0;
  #observedAtUs = 0;
  readonly #json = new WireJson();
  // Where the fields of the present event are, 0 for absent: the first byte is always a tag.
  #eventType = 0;
  #eventTypeEnd = 0;
  #component = 0;
  #componentEnd = 0;
  #value = 0;
  #metadata = 0;
  #metadataEnd = 0;
  #status = 0;
  #statusEnd = 0;
  #timestampUs = 0;
  #hasTimestamp = false;

  constructor(row: ByteWriter, content: ByteWriter, window: TimeWindow, nowMs: number) {
    this.#row = row;
    this.#content = content;
    this.begin(window, nowMs);
  }

  /** Another batch begins. */
  begin(window: TimeWindow, nowMs: number): void {
    this.#timeUsMin = (nowMs - window.ageMsMax) * 1000;
    this.#timeUsMax = (nowMs + window.aheadMsMax) * 1000;
    this.#observedAtUs = nowMs * 1000;
  }

  /** Writes the event, or returns false and has written nothing. `id`: of the row. */
  write(event: Uint8Array, id: Uint8Array): boolean {
    if (!this.#scan(event) || !this.#writeRow(event, id)) return false;
    this.#writeContent(event);
    return true;
  }

  /** Finds the fields. */
  #scan(event: Uint8Array): boolean {
    if (event.length > wireBytesMax) return false;
    this.#eventType = this.#component = this.#value = this.#metadata = this.#status = 0;
    this.#eventTypeEnd = this.#componentEnd = this.#statusEnd = 0;
    this.#hasTimestamp = false;
    let at = 0;
    for (const end = event.length; at < end; ) {
      const tag = event[at] as number;
      if (tag === tags.value) {
        if (this.#value !== 0 || at + 9 > end || !isFiniteDouble(event, at + 1)) return false;
        this.#value = at + 1;
        at += 9;
        continue;
      }
      if (at + 2 > end) return false;
      let length = event[at + 1] as number;
      at += 2;
      if (length >= 0x80) {
        if (at >= end) return false;
        length = (length & 0x7f) | ((event[at++] as number) << 7);
        if (length >= 0x4000) {
          if (at >= end || (event[at] as number) >= 0x80) return false;
          length = (length & 0x3fff) | ((event[at++] as number) << 14);
        }
      }
      if (at + length > end || !this.#take(event, tag, at, at + length)) return false;
      at += length;
    }
    return this.#eventTypeEnd > this.#eventType;
  }

  #take(event: Uint8Array, tag: number, at: number, end: number): boolean {
    switch (tag) {
      case tags.eventType:
        if (this.#eventType !== 0) return false;
        this.#eventType = at;
        this.#eventTypeEnd = end;
        return !isLonger(event, at, end, limits.nameCharactersMax);
      case tags.component:
        if (this.#component !== 0) return false;
        this.#component = at;
        this.#componentEnd = end;
        return !isLonger(event, at, end, limits.nameCharactersMax);
      case tags.status:
        if (this.#status !== 0) return false;
        this.#status = at;
        this.#statusEnd = end;
        return !isLonger(event, at, end, limits.statusCharactersMax);
      case tags.metadata:
        if (this.#metadata !== 0) return false;
        this.#metadata = at;
        this.#metadataEnd = end;
        return true;
      case tags.timestamp:
        return !this.#hasTimestamp && this.#takeTimestamp(event, at, end);
      default:
        return false;
    }
  }

  #takeTimestamp(event: Uint8Array, at: number, end: number): boolean {
    this.#timestampUs = readTimestampUs(event, at, end);
    this.#hasTimestamp = true;
    return this.#timestampUs >= this.#timeUsMin && this.#timestampUs <= this.#timeUsMax;
  }

  /** In the order of `tables.event.columns`. */
  #writeRow(event: Uint8Array, id: Uint8Array): boolean {
    const start = this.#row.reserve(rowBytesMin + jsonBytesPerByteMax * event.length);
    const row = this.#row.buffer;
    const timestampUs = this.#hasTimestamp ? this.#timestampUs : this.#observedAtUs;
    putInt16(row, start, tables.event.columns.length);
    putInt32(row, start + 2, 16);
    for (let byte = 0; byte < 16; byte++) row[start + 6 + byte] = id[byte] as number;
    putInt32(row, start + 22, 8);
    putInt64(row, start + 26, timestampUs - postgresEpochUs);
    putInt32(row, start + 34, 8);
    putInt64(row, start + 38, this.#observedAtUs - postgresEpochUs);
    let to = start + fixedBytes;
    to = putNullableText(row, to, event, this.#eventType, this.#eventTypeEnd);
    if (to !== unusual) to = putNullableText(row, to, event, this.#component, this.#componentEnd);
    if (to !== unusual) to = this.#putValue(row, to, event);
    if (to !== unusual) to = this.#putMetadata(row, to, event);
    if (to !== unusual) to = putNullableText(row, to, event, this.#status, this.#statusEnd);
    if (to === unusual) return false;
    this.#row.length = putFurtherNulls(row, to);
    this.#row.fieldTrue(true);
    return true;
  }

  #putValue(row: Uint8Array, to: number, event: Uint8Array): number {
    if (this.#value === 0) return putNull(row, to);
    putInt32(row, to, 8);
    putDouble(row, to + 4, event, this.#value);
    return to + 12;
  }

  #putMetadata(row: Uint8Array, to: number, event: Uint8Array): number {
    if (this.#metadata === 0) return putNull(row, to);
    const start = to + 5;
    this.#json.expanded = 0;
    const end = this.#json.struct(event, this.#metadata, this.#metadataEnd, row, start);
    const bytes = end - start + this.#json.expanded;
    if (end === unusual || bytes > limits.metadataBytesMax) return unusual;
    putInt32(row, to, end - start + 1);
    row[to + 4] = 1;
    return end;
  }

  /** As `Fingerprint.event` does; the texts are known to be storable as they are. */
  #writeContent(event: Uint8Array): void {
    let to = this.#content.reserve(rowBytesMin + event.length);
    const content = this.#content.buffer;
    content[to++] = fingerprintTags.event;
    to = putText(content, to, event, this.#eventType, this.#eventTypeEnd);
    to = putText(content, to, event, this.#component, this.#componentEnd);
    to = this.#putContentValue(content, to, event);
    to = putText(content, to, event, this.#status, this.#statusEnd);
    content[to++] = this.#hasTimestamp ? fingerprintTags.present : fingerprintTags.absent;
    this.#content.length = to;
    if (this.#hasTimestamp) this.#content.float64(this.#timestampUs);
  }

  #putContentValue(content: Uint8Array, to: number, event: Uint8Array): number {
    content[to++] = this.#value === 0 ? fingerprintTags.absent : fingerprintTags.present;
    if (this.#value === 0) return to;
    // Negative zero counts as zero.
    if (putDouble(content, to, event, this.#value) === 0) content[to] = 0;
    return to + 8;
  }
}
