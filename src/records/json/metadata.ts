import type { ByteWriter } from '../byte-writer.ts';
import { FieldFault, limits } from '../limits.ts';
import { hexUnit, putCharacter } from './escapes.ts';
import { NumberShape } from './number-shape.ts';
import { pathTo } from './path.ts';
import { plainNumberBytesMax } from './scanner.ts';

const quote = 0x22;
const comma = 0x2c;
const slash = 0x2f;
const backslash = 0x5c;
const unicode = 0x75;
const replacement = 0xfffd;
/** What is to be done about a byte outside of strings; 0 for copying it. */
const classOf = { quote: 1, space: 2, exponent: 3, open: 4, end: 5 } as const;
const classes = new Uint8Array(256);
for (const [signs, kind] of [
  ['"', classOf.quote],
  [' \t\n\r', classOf.space],
  ['eE', classOf.exponent],
  ['[{', classOf.open],
  [']},', classOf.end],
] as const) {
  for (const sign of signs) classes[sign.charCodeAt(0)] = kind;
}
/** The length of a field, and the version of jsonb's format. */
const headerBytes = 5;

/**
 * Writes metadata as jsonb takes it: the JSON that was sent, whose numbers keep all their digits,
 * without space between its parts. NUL and halves of surrogate pairs, which PostgreSQL can't hold,
 * become U+FFFD.
 */
export class MetadataWriter {
  /** Strings with NUL, and halves of pairs, that were replaced so far. */
  changed = 0;
  /** Where reading goes on. */
  #at = 0;
  #hasNul = false;
  readonly #shape = new NumberShape();
  /** Bytes that jsonb will write more than were sent, for numbers with an exponent. */
  #expanded = 0;

  /**
   * Writes an object, known to be JSON, as a field of a row; `isPlain`: as the scanner says it.
   * Throws `FieldFault`.
   */
  write(bytes: Buffer, start: number, end: number, writer: ByteWriter, isPlain = false): void {
    this.#expanded = 0;
    // Nothing in the text is longer than what it is made of.
    const header = writer.reserve(headerBytes + end - start);
    const target = writer.buffer;
    const textAt = header + headerBytes;
    const textEnd = isPlain
      ? textAt + bytes.copy(target, textAt, start, end)
      : this.#copy(bytes, start, end, target, textAt);
    const text = textEnd - textAt;
    if (text + this.#expanded > limits.metadataBytesMax) throw tooLong(text + this.#expanded);
    target.writeInt32BE(1 + text, header);
    target[header + 4] = 1;
    writer.length = textEnd;
  }

  #copy(bytes: Buffer, start: number, end: number, target: Uint8Array, to: number): number {
    let depth = 0;
    // Where the last number may begin, in what is written.
    let tokenAt = to;
    for (let at = start; at < end; at++) {
      const byte = bytes[at] as number;
      switch (classes[byte]) {
        case classOf.quote:
          to = this.#string(bytes, at, target, to);
          at = this.#at - 1;
          tokenAt = to;
          break;
        case classOf.space:
          break;
        case classOf.exponent:
          target[to++] = byte;
          // The letter of a literal follows another letter.
          if (isDigit(bytes[at - 1])) this.#checkNumber(bytes, start, at);
          tokenAt = to;
          break;
        case classOf.open:
          if (++depth > limits.metadataDepthMax) throw tooDeep();
          target[to++] = byte;
          tokenAt = to;
          break;
        case classOf.end:
          if (byte !== comma) depth--;
          if (to - tokenAt > plainNumberBytesMax) this.#checkNumber(bytes, start, at - 1);
          target[to++] = byte;
          tokenAt = to;
          break;
        default:
          target[to++] = byte;
      }
    }
    return to;
  }

  #string(bytes: Buffer, at: number, target: Uint8Array, to: number): number {
    target[to++] = bytes[at++] as number;
    for (;;) {
      const byte = bytes[at] as number;
      if (byte === backslash) {
        to = this.#escape(bytes, at, target, to);
        at = this.#at;
        continue;
      }
      target[to++] = byte;
      at++;
      if (byte === quote) break;
    }
    this.#at = at;
    if (this.#hasNul) this.changed += 1;
    this.#hasNul = false;
    return to;
  }

  #escape(bytes: Buffer, at: number, target: Uint8Array, to: number): number {
    const letter = bytes[at + 1] as number;
    if (letter !== unicode) {
      if (letter !== slash) target[to++] = backslash;
      target[to++] = letter;
      this.#at = at + 2;
      return to;
    }
    let code = hexUnit(bytes, at + 2);
    this.#at = at + 6;
    if (code >>> 10 === 0x36 && bytes[at + 6] === backslash && bytes[at + 7] === unicode) {
      const low = hexUnit(bytes, at + 8);
      if (low >>> 10 === 0x37) {
        code = 0x1_0000 + ((code & 0x3ff) << 10) + (low & 0x3ff);
        this.#at = at + 12;
      }
    }
    if (code === 0) {
      this.#hasNul = true;
      code = replacement;
    } else if (code >>> 11 === 0x1b) {
      this.changed += 1;
      code = replacement;
    }
    return putCharacter(code, target, to);
  }

  /** Of a number of which a position is part; space may follow it. */
  #checkNumber(bytes: Buffer, start: number, position: number): void {
    let at = position;
    while ((bytes[at] as number) <= 0x20) at--;
    let end = at + 1;
    while (isInNumber(bytes[at - 1])) at--;
    while (isInNumber(bytes[end])) end++;
    const shape = this.#shape;
    shape.measure(bytes, at, end);
    const fault = (reason: string) =>
      new FieldFault(['metadata', ...pathTo(bytes, start, at)].join('.'), reason);
    if (!shape.isFinite) {
      throw fault(`is ${Number(bytes.toString('latin1', at, end))}, not a finite number`);
    }
    const { metadataBytesMax, numberDecimalsMax } = limits;
    if (shape.decimals > numberDecimalsMax) {
      throw fault(`has ${shape.decimals} decimals; at most ${numberDecimalsMax} are allowed`);
    }
    this.#expanded += Math.max(0, shape.bytes - (end - at));
    if (this.#expanded > metadataBytesMax) {
      const reason = `is more than ${metadataBytesMax} bytes of JSON once numbers are written out`;
      throw new FieldFault('metadata', reason);
    }
  }
}

const tooDeep = () =>
  new FieldFault('metadata', `is nested more than ${limits.metadataDepthMax} levels deep`);

const tooLong = (bytes: number) =>
  new FieldFault(
    'metadata',
    `is ${bytes} bytes of JSON; at most ${limits.metadataBytesMax} are allowed`,
  );

const isDigit = (byte = 0): boolean => byte >= 0x30 && byte <= 0x39;

/** A digit, a sign, a point or an exponent's letter. */
const isInNumber = (byte = 0): boolean =>
  isDigit(byte) || (byte | 0x20) === 0x65 || byte === 0x2b || byte === 0x2d || byte === 0x2e;
