const quote = 0x22;
const comma = 0x2c;
const colon = 0x3a;
const backslash = 0x5c;
const openBracket = 0x5b;
const closeBracket = 0x5d;
const openBrace = 0x7b;
const closeBrace = 0x7d;
/** Without exponent a number of so many signs is a finite double, and has few enough decimals. */
export const plainNumberBytesMax = 300;
const plainDepthMax = 8;
const literals = ['true', 'false', 'null'].map((text) => Buffer.from(text));
/** What may follow a backslash, `u` apart. */
const escapes = new Uint8Array(256);
for (const sign of '"\\/bfnrt') escapes[sign.charCodeAt(0)] = 1;

/** Why a text is no JSON. No `Error`: a million may be met, and nobody reads where they were made. */
export class JsonFault {
  readonly message: string;

  constructor(what: string, at: number) {
    this.message = `is not JSON: ${what} at byte ${at}`;
  }
}

/**
 * Checks the whole grammar of JSON in UTF-8, to any depth and without making anything of it:
 * positions are all that it gives. Throws `JsonFault`.
 * Grammar: https://www.rfc-editor.org/rfc/rfc8259
 */
export class JsonScanner {
  readonly bytes: Buffer;
  /** Whether the last string that was passed over has a backslash in it. */
  escaped = false;
  /**
   * Whether all that was passed over since this was set is to be stored as it is: without space
   * between its parts, escapes and exponents, in numbers of a usual length, and not very deep.
   */
  isPlain = true;
  #start = 0;
  #end: number;
  /** By depth, whether what is open is an object. */
  #isObject = new Uint8Array(64);

  constructor(bytes: Buffer) {
    this.bytes = bytes;
    this.#end = bytes.length;
  }

  /** From now on a text lies between these positions: faults count from its start. */
  confine(start: number, end: number): void {
    this.#start = start;
    this.#end = end;
  }

  /** Where the next byte is that is no space. */
  space(at: number): number {
    const { bytes } = this;
    for (; at < this.#end; at++) {
      const byte = bytes[at] as number;
      if (byte !== 0x20 && byte !== 0x0a && byte !== 0x0d && byte !== 0x09) break;
      this.isPlain = false;
    }
    return at;
  }

  /** The end of the text whose value ends at a position: nothing but space may follow. */
  finish(at: number): void {
    if (this.space(at) < this.#end) throw this.unexpected(this.space(at));
  }

  /** Where the value that begins at a position ends. */
  value(at: number): number {
    const { bytes } = this;
    let depth = 0;
    for (;;) {
      const byte = this.#byte(at);
      if (byte === quote) {
        at = this.string(at);
      } else if (byte === openBrace || byte === openBracket) {
        const next = this.space(at + 1);
        if (this.#byte(next) !== byte + 2) {
          if (depth === this.#isObject.length) this.#deepen();
          if (depth === plainDepthMax) this.isPlain = false;
          this.#isObject[depth++] = byte === openBrace ? 1 : 0;
          at = byte === openBrace ? this.key(next) : next;
          continue;
        }
        at = next + 1;
      } else {
        at = this.#scalar(at, byte);
      }
      for (;;) {
        if (depth === 0) return at;
        const isObject = this.#isObject[depth - 1] === 1;
        if (bytes[at] !== comma) at = this.space(at);
        const sign = this.#byte(at);
        if (sign === comma) {
          at = this.space(at + 1);
          if (isObject) at = this.key(at);
          break;
        }
        if (sign !== (isObject ? closeBrace : closeBracket)) throw this.unexpected(at);
        depth--;
        at++;
      }
    }
  }

  /** Where the value begins of the key that begins at a position. */
  key(at: number): number {
    return this.keyed(this.name(at));
  }

  /** Where the key ends that begins at a position. */
  name(at: number): number {
    if (this.#byte(at) !== quote) throw this.unexpected(at);
    return this.string(at);
  }

  /** Where the value begins of the key that ends at a position. */
  keyed(at: number): number {
    at = this.space(at);
    if (this.#byte(at) !== colon) throw this.unexpected(at);
    return this.space(at + 1);
  }

  /**
   * Where the first key or item is of what opens at a position; the complement of where the
   * closing sign is, which is negative, for none.
   */
  first(at: number, closing: number): number {
    at = this.space(at + 1);
    return this.#byte(at) === closing ? ~at : at;
  }

  /** The same of the next key or item, after the value that ends at a position. */
  next(at: number, closing: number): number {
    at = this.space(at);
    const sign = this.#byte(at);
    if (sign === comma) return this.space(at + 1);
    if (sign !== closing) throw this.unexpected(at);
    return ~at;
  }

  /** Where the string ends whose opening quote is at a position, past its closing one. */
  string(at: number): number {
    const { bytes } = this;
    const end = this.#end;
    this.escaped = false;
    for (at++; at < end; at++) {
      const byte = bytes[at] as number;
      if (byte === quote) return at + 1;
      if (byte === backslash) at = this.#escape(at + 1);
      else if (byte < 0x20) break;
    }
    throw this.unexpected(at);
  }

  unexpected(at: number): JsonFault {
    if (at >= this.#end) return new JsonFault('unexpected end', this.#end - this.#start);
    const byte = this.bytes[at] as number;
    const isPlain = byte > 0x20 && byte < 0x7f;
    const shown = isPlain ? JSON.stringify(String.fromCharCode(byte)) : `0x${byte.toString(16)}`;
    return new JsonFault(`unexpected ${shown}`, at - this.#start);
  }

  #byte(at: number): number {
    return at < this.#end ? (this.bytes[at] as number) : -1;
  }

  /** The last byte of the escape whose letter is at a position. */
  #escape(at: number): number {
    this.escaped = true;
    this.isPlain = false;
    const letter = this.#byte(at);
    if (letter !== 0x75) {
      if (letter < 0 || escapes[letter] === 0) throw this.unexpected(at);
      return at;
    }
    for (let digit = at + 1; digit <= at + 4; digit++) {
      if (!isHex(this.#byte(digit))) throw this.unexpected(digit);
    }
    return at + 4;
  }

  /** A number or a literal. */
  #scalar(at: number, byte: number): number {
    if (byte === 0x2d || isDigit(byte)) return this.#number(at);
    const literal = literals.find((text) => text[0] === byte);
    if (!literal) throw this.unexpected(at);
    for (let index = 1; index < literal.length; index++) {
      if (this.#byte(at + index) !== literal[index]) throw this.unexpected(at + index);
    }
    return at + literal.length;
  }

  #number(at: number): number {
    const start = at;
    if (this.#byte(at) === 0x2d) at++;
    at = this.#byte(at) === 0x30 ? at + 1 : this.#digits(at);
    if (this.#byte(at) === 0x2e) at = this.#digits(at + 1);
    if (at - start > plainNumberBytesMax) this.isPlain = false;
    if ((this.#byte(at) | 0x20) !== 0x65) return at;
    this.isPlain = false;
    const sign = this.#byte(at + 1);
    return this.#digits(sign === 0x2b || sign === 0x2d ? at + 2 : at + 1);
  }

  #digits(at: number): number {
    if (!isDigit(this.#byte(at))) throw this.unexpected(at);
    while (isDigit(this.#byte(at))) at++;
    return at;
  }

  #deepen(): void {
    const deeper = new Uint8Array(2 * this.#isObject.length);
    deeper.set(this.#isObject);
    this.#isObject = deeper;
  }
}

const isDigit = (byte: number): boolean => byte >= 0x30 && byte <= 0x39;

const isHex = (byte: number): boolean =>
  isDigit(byte) || ((byte | 0x20) >= 0x61 && (byte | 0x20) <= 0x66);
