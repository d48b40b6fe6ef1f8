import { createHash } from 'node:crypto';

const uuidPattern = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;
const uuidV7Pattern = /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/i;

export const isUuid = (text: string): boolean => uuidPattern.test(text);
export const isUuidV7 = (text: string): boolean => uuidV7Pattern.test(text);

export function uuidBytes(uuid: string): Buffer {
  return Buffer.from(uuid.replaceAll('-', ''), 'hex');
}

export function uuidText(bytes: Uint8Array): string {
  const hex = Buffer.from(bytes).toString('hex');
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`;
}

/** The milliseconds since 1970 that a UUIDv7 begins with. */
export function uuidV7TimeMs(uuid: string): number {
  return Number.parseInt(uuid.slice(0, 8) + uuid.slice(9, 13), 16);
}

/** The least UUID whose time is `ms`: a bound for ranges of UUIDv7. */
export function uuidAtMs(ms: number): string {
  const hex = ms.toString(16).padStart(12, '0');
  return `${hex.slice(0, 8)}-${hex.slice(8)}-0000-0000-000000000000`;
}

/**
 * Ids for the records of one batch, as UUIDv7: the batch's time, 42 bits of a hash of its id, and
 * the position. The same batch sent again gives the same ids.
 */
export class RecordIds {
  readonly #bytes: Buffer;

  constructor(batchId: string, kind: 'event' | 'usage') {
    const batch = uuidBytes(batchId);
    const hash = createHash('sha256').update(batch).update(kind).digest();
    this.#bytes = Buffer.concat([batch.subarray(0, 6), hash.subarray(0, 6), Buffer.alloc(4)]);
    this.#bytes[6] = 0x70 | (hash.readUInt8(0) & 0x0f);
    this.#bytes[8] = 0x80 | (hash.readUInt8(2) & 0x3f);
  }

  /** The id at a position, valid until the next call. */
  at(index: number): Buffer {
    this.#bytes.writeUInt32BE(index, 12);
    return this.#bytes;
  }
}
