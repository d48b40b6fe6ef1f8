import type { JsonObject, JsonValue } from '@bufbuild/protobuf';
import { flat } from './flat.ts';
import { firstOf, measureText } from './json-size.ts';
import { entriesOf, isSmall, lengthOf, listOf, nameOf, plainOf } from './shapes.ts';
import { StepTime } from './step-time.ts';

/** The service takes 64 KiB. */
export const metadataBytesMax = 60 * 1024;
const depthMax = 32;
/** Of the 50 ms that a record may cost, those of a first and a second pass. */
const msMax = 40;
const secondMsMax = 10;
const keyBytesMax = 1024;
const manyKeys = 1000;
/** Any value has a beginning or a substitute that takes no more. */
const leastBytes = 8;
const integerMax = 2n ** 53n;
const mark = 'telemetry_truncated';
/** What is added to what is made: where it is no object it becomes the `value` of one. */
const frameBytes = `{"value":,"${mark}":true}`.length;

export interface Storable {
  readonly object: JsonObject;
  /** Of JSON. */
  readonly bytes: number;
}

/**
 * Whatever it is, as an object of what JSON has a form for, in at most so many bytes of it
 * (clause 1.5). Never throws.
 */
export function storable(given: unknown, bytesMax = metadataBytesMax): Storable {
  const simple = simply(given, bytesMax);
  if (simple) return simple;
  const keys = new Keys();
  let storing = new Storing(msMax, false, keys);
  let stored = storing.fit(given, bytesMax - frameBytes, 1);
  if (storing.isTruncated) {
    // It doesn't fit as a whole: what is large must leave room for the rest.
    storing = new Storing(secondMsMax, true, keys);
    stored = storing.fit(given, bytesMax - frameBytes, 1);
  }
  const isObject = typeof stored === 'object' && stored !== null && !Array.isArray(stored);
  const object = isObject ? (stored as JsonObject) : { value: stored };
  if (storing.isTruncated) object[mark] = true;
  return { object, bytes: storing.bytes + frameBytes };
}

function simply(given: unknown, bytesMax: number): Storable | undefined {
  try {
    return flat(given, bytesMax);
  } catch {
    // A getter or a proxy throws.
    return undefined;
  }
}

/** Of objects with many of them, whose listing is what takes long: once for both passes. */
class Keys {
  readonly #listed = new Map<object, readonly string[]>();

  of(value: object): readonly string[] {
    const keys = this.#listed.get(value) ?? Object.keys(value);
    if (keys.length > manyKeys) this.#listed.set(value, keys);
    return keys;
  }
}

/** Of one record. Sizes are bytes of JSON, with the comma that follows. */
class Storing {
  isTruncated = false;
  /** Those of what `fit` has given last. */
  bytes = 0;
  readonly #isSharing: boolean;
  readonly #above: object[] = [];
  readonly #time: StepTime;
  readonly #keys: Keys;

  constructor(msMaxOfPass: number, isSharing: boolean, keys: Keys) {
    this.#time = new StepTime(msMaxOfPass);
    this.#isSharing = isSharing;
    this.#keys = keys;
  }

  /** What a value becomes, within the room. */
  fit(value: unknown, room: number, depth: number): JsonValue {
    switch (typeof value) {
      case 'string':
        return this.#text(value, room);
      case 'number':
        if (!Number.isFinite(value)) return this.#text(String(value), room);
        this.bytes = String(value).length + 1;
        // JSON has no negative zero.
        return value + 0;
      case 'boolean':
        this.bytes = 6;
        return value;
      case 'bigint':
        // A Struct holds doubles.
        if (value >= -integerMax && value <= integerMax)
          return this.fit(Number(value), room, depth);
        return this.#text(value.toString(), room);
      case 'object':
        return value === null ? this.#null() : this.#object(value, room, depth);
      case 'undefined':
        return this.#null();
      case 'function':
        return this.#text(`[Function ${value.name}]`, room);
      default:
        return this.#text(String(value), room);
    }
  }

  #null(): null {
    this.bytes = 5;
    return null;
  }

  #text(text: string, room: number): string {
    const { bytes, kept } = measureText(text, room - 1);
    this.bytes = bytes + 1;
    if (kept === text.length) return text.isWellFormed() ? text : text.toWellFormed();
    this.isTruncated = true;
    return firstOf(text, kept);
  }

  #object(value: object, room: number, depth: number): JsonValue {
    if (this.#above.includes(value)) return this.#text('<circular>', room);
    if (depth > depthMax) return this.#text('<too deep>', room);
    // Listing the keys of one object may take long.
    if (this.#time.isOverNow()) {
      this.isTruncated = true;
      return this.#null();
    }
    this.#above.push(value);
    try {
      const list = listOf(value);
      if (list) return this.#list(list, room, depth);
      const plain = plainOf(value, this.#above);
      if (plain !== value) return this.fit(plain, room, depth + 1);
      return this.#entries(value, room, depth);
    } catch {
      return this.#text(`<${nameOf(value)}>`, room);
    } finally {
      this.#above.pop();
    }
  }

  #list(
    { items, length }: { items: Iterable<unknown>; length: number },
    room: number,
    depth: number,
  ) {
    const kept: JsonValue[] = [];
    let bytes = 3;
    for (const item of items) {
      const left = room - bytes;
      const isAlone = !this.#isSharing || length === 1 || isSmall(item);
      const stored =
        left < leastBytes || this.#time.isOver()
          ? undefined
          : this.fit(item, isAlone ? left : left >> 1, depth + 1);
      if (stored === undefined || this.bytes > left) {
        this.isTruncated = true;
        break;
      }
      kept.push(stored);
      bytes += this.bytes;
    }
    this.bytes = bytes;
    return kept;
  }

  #entries(from: object, room: number, depth: number): JsonObject {
    const to: JsonObject = {};
    const larger: [string, unknown][] = [];
    let bytes = 3;
    for (const [key, value] of entriesOf(from, this.#keys)) {
      const name = this.#text(key, keyBytesMax);
      const nameBytes = this.bytes;
      if (bytes + nameBytes + leastBytes > room || this.#time.isOver()) {
        this.isTruncated = true;
        break;
      }
      if (value === undefined) continue;
      if (isSmall(value)) {
        const stored = this.fit(value, room - bytes - nameBytes, depth + 1);
        const more = nameBytes + this.bytes;
        if (bytes + more > room) this.isTruncated = true;
        else set(to, name, stored);
        bytes += bytes + more > room ? 0 : more;
      } else {
        // Its place among the keys, and room for what is least.
        set(to, name, null);
        larger.push([name, value]);
        bytes += nameBytes + leastBytes;
      }
    }
    // What the shorter leave of their shares is for the longer.
    if (this.#isSharing) larger.sort(([, a], [, b]) => lengthOf(a) - lengthOf(b));
    for (const [at, [name, value]] of larger.entries()) {
      const left = room - bytes;
      const share = this.#isSharing ? Math.floor(left / (larger.length - at)) : left;
      set(to, name, this.fit(value, Math.max(share, 0) + leastBytes, depth + 1));
      bytes += this.bytes - leastBytes;
    }
    this.bytes = bytes;
    return to;
  }
}

/** Assigned, `__proto__` would set the prototype. */
function set(to: JsonObject, name: string, value: JsonValue): void {
  if (name !== '__proto__') to[name] = value;
  else {
    Object.defineProperty(to, name, {
      value,
      enumerable: true,
      configurable: true,
      writable: true,
    });
  }
}
