import { randomFillSync } from 'node:crypto';
import { V7Generator } from 'uuidv7';
import { sha256Start } from './sha256.ts';

const uuidPattern = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;
const uuidV7Pattern = /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/i;

export const isUuid = (text: string): boolean => uuidPattern.test(text);
export const isUuidV7 = (text: string): boolean => uuidV7Pattern.test(text);

export function uuidBytes(uuid: string): Buffer {
  const bytes = Buffer.allocUnsafe(16);
  for (let at = 0, byte = 0; byte < 16; at += 2, byte += 1) {
    if (uuid.charCodeAt(at) === dash) at += 1;
    bytes[byte] = (hexDigit(uuid.charCodeAt(at)) << 4) | hexDigit(uuid.charCodeAt(at + 1));
  }
  return bytes;
}

const [dash, nine, a] = [...'-9a'].map((sign) => sign.charCodeAt(0)) as [number, number, number];

/** Of either case. */
const hexDigit = (code: number): number => (code <= nine ? code & 0xf : (code | 0x20) - a + 10);

export function uuidText(bytes: Uint8Array): string {
  const hex = Buffer.from(bytes).toString('hex');
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`;
}

/** Drawn in bulk: one by one they would cost more than the rest of an id. */
const random = new Uint32Array(1024);
let randomUsed = random.length;
const generator = new V7Generator({
  nextUint32() {
    if (randomUsed === random.length) {
      randomFillSync(random);
      randomUsed = 0;
    }
    return random[randomUsed++] as number;
  },
});

/** A new UUIDv7, later than any before it. */
export const newUuidV7 = (): string => generator.generate().toString();

/** The milliseconds since 1970 that a UUIDv7 begins with. */
export function uuidV7TimeMs(uuid: string): number {
  return Number.parseInt(uuid.slice(0, 8) + uuid.slice(9, 13), 16);
}

/** A new UUIDv7 of another time. */
export const uuidV7AtMs = (ms: number): string => uuidAtMs(ms).slice(0, 13) + newUuidV7().slice(13);

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
  protected readonly bytes: Buffer;

  constructor(batchId: string, kind: 'event' | 'usage') {
    const bytes = Buffer.allocUnsafe(16 + kind.length);
    bytes.set(uuidBytes(batchId));
    bytes.write(kind, 16, 'latin1');
    const digest = sha256Start(bytes, 6);
    this.bytes = bytes.subarray(0, 16);
    this.bytes.set(digest, 6);
    this.bytes[6] = 0x70 | (digest.readUInt8(0) & 0x0f);
    this.bytes[8] = 0x80 | (digest.readUInt8(2) & 0x3f);
  }

  /** The id at a position, valid until the next call. */
  at(index: number): Buffer {
    this.bytes.writeUInt32BE(index, 12);
    return this.bytes;
  }
}
