import { randomFillSync } from 'node:crypto';
import { sha256Start } from './sha256.ts';

const uuidPattern = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;
const uuidV7Pattern = /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/i;

export const isUuid = (text: string): boolean => uuidPattern.test(text);
export const isUuidV7 = (text: string): boolean => uuidV7Pattern.test(text);

/** Where the digits of each byte are. */
const places = Uint8Array.of(0, 2, 4, 6, 9, 11, 14, 16, 19, 21, 24, 26, 28, 30, 32, 34);
const digits = Buffer.from('0123456789abcdef');
/** By the code of a digit, of either case. */
const valueOfDigit = new Uint8Array(256);
for (const [value, digit] of digits.entries()) {
  valueOfDigit[digit] = valueOfDigit[String.fromCharCode(digit).toUpperCase().charCodeAt(0)] =
    value;
}

export function uuidBytes(uuid: string): Buffer {
  const bytes = Buffer.allocUnsafe(16);
  for (let byte = 0; byte < 16; byte++) {
    const at = places[byte] as number;
    const high = valueOfDigit[uuid.charCodeAt(at)] as number;
    bytes[byte] = (high << 4) | (valueOfDigit[uuid.charCodeAt(at + 1)] as number);
  }
  return bytes;
}

/** What a text is made from, one after the other. */
const text = Buffer.alloc(36, '-');

export function uuidText(bytes: Uint8Array, from = 0): string {
  for (let byte = 0; byte < 16; byte++) {
    const at = places[byte] as number;
    const value = bytes[from + byte] as number;
    text[at] = digits[value >>> 4] as number;
    text[at + 1] = digits[value & 0xf] as number;
  }
  return text.toString('latin1');
}

/** Drawn in bulk: one by one they would cost more than the rest of an id. */
const random = new Uint32Array(1024);
let randomUsed = random.length;

function newRandom(): number {
  if (randomUsed === random.length) {
    randomFillSync(random);
    randomUsed = 0;
  }
  return random[randomUsed++] as number;
}

/** A clock that goes back further was set, and is followed. */
const rollbackMsMax = 10_000;
let lastMs = 0;
/** 42 bits that go up within a millisecond, from a random number of one bit less. */
let [countHigh, countLow] = [0, 0];

/**
 * A new UUIDv7, later than any before it unless the clock was set back: its time, a count and 32
 * random bits (RFC 9562, section 6.2, method 1).
 */
export function newUuidV7Bytes(): Buffer {
  const nowMs = Date.now();
  if (nowMs > lastMs || nowMs < lastMs - rollbackMsMax) {
    lastMs = nowMs;
    countHigh = newRandom() & 0x7ff;
    countLow = newRandom() >>> 2;
  } else if (++countLow > 0x3fff_ffff) {
    countLow = 0;
    countHigh += 1;
  }
  const bytes = Buffer.allocUnsafe(16);
  bytes.writeUIntBE(lastMs, 0, 6);
  bytes.writeUInt16BE(0x7000 | countHigh, 6);
  bytes.writeUInt32BE((0x8000_0000 | countLow) >>> 0, 8);
  bytes.writeUInt32BE(newRandom(), 12);
  return bytes;
}

export const newUuidV7 = (): string => uuidText(newUuidV7Bytes());

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
  readonly #bytes: Buffer;

  constructor(batchId: Uint8Array, kind: 'event' | 'usage') {
    const bytes = Buffer.allocUnsafe(16 + kind.length);
    bytes.set(batchId);
    bytes.write(kind, 16, 'latin1');
    const digest = sha256Start(bytes, 6);
    this.#bytes = bytes.subarray(0, 16);
    this.#bytes.set(digest, 6);
    this.#bytes[6] = 0x70 | (digest.readUInt8(0) & 0x0f);
    this.#bytes[8] = 0x80 | (digest.readUInt8(2) & 0x3f);
  }

  /** The id at a position, valid until the next call. */
  at(index: number): Buffer {
    this.#bytes.writeUInt32BE(index, 12);
    return this.#bytes;
  }
}
