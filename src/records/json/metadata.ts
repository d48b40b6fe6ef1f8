import type { ByteWriter } from '../byte-writer.ts';
import { FieldFault, limits } from '../limits.ts';
import { hexUnit, putCharacter } from './escapes.ts';
import { NumberShape } from './number-shape.ts';
import { pathTo } from './path.ts';

const quote = 0x22;
const comma = 0x2c;
const slash = 0x2f;
const backslash = 0x5c;
const unicode = 0x75;
const replacement = 0xfffd;
/** The length of a field, and the version of jsonb's format. */
const headerBytes = 5;
/** Without exponent a number of so many signs is a finite double, and has few enough decimals. */
const plainNumberBytesMax = 300;

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

  /** Writes an object, known to be JSON, as a field of a row; throws `FieldFault`. */
  write(bytes: Buffer, start: number, end: number, writer: ByteWriter): void {
    // Nothing in the text is longer than what it is made of.
    const header = writer.reserve(headerBytes + end - start);
    const target = writer.buffer;
    const textEnd = this.#copy(bytes, start, end, target, header + headerBytes);
    const text = textEnd - header - headerBytes;
    if (text + this.#expanded > limits.metadataBytesMax) throw tooLong(text + this.#expanded);
    target.writeInt32BE(1 + text, header);
    target[header + 4] = 1;
    writer.length = textEnd;
  }

  #copy(bytes: Buffer, start: number, end: number, target: Uint8Array, to: number): number {
    let depth = 0;
    this.#expanded = 0;
    this.#at = start;
    while (this.#at < end) {
      const byte = bytes[this.#at] as number;
      if (byte === quote) {
        to = this.#string(bytes, target, to);
      } else if (byte === 0x2d || (byte >= 0x30 && byte <= 0x39)) {
        to = this.#number(bytes, start, target, to);
      } else {
        this.#at++;
        if (byte <= 0x20) continue;
        // Brackets and braces, whatever the letters of literals are.
        if (byte === 0x5b || byte === 0x7b) depth++;
        else if (byte === 0x5d || byte === 0x7d) depth--;
        if (depth > limits.metadataDepthMax) throw tooDeep();
        target[to++] = byte;
      }
    }
    return to;
  }

  #string(bytes: Buffer, target: Uint8Array, to: number): number {
    let at = this.#at;
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

  #number(bytes: Buffer, start: number, target: Uint8Array, to: number): number {
    const numberAt = this.#at;
    let at = numberAt;
    let hasExponent = false;
    for (let byte = bytes[at] as number; ; byte = bytes[at] as number) {
      // Space, a comma, a bracket or a brace.
      if (byte <= 0x20 || byte === comma || (byte | 0x20) === 0x7d) break;
      if ((byte | 0x20) === 0x65) hasExponent = true;
      target[to++] = byte;
      at++;
    }
    this.#at = at;
    if (hasExponent || at - numberAt > plainNumberBytesMax) {
      this.#checkNumber(bytes, start, numberAt, at);
    }
    return to;
  }

  #checkNumber(bytes: Buffer, start: number, at: number, end: number): void {
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
