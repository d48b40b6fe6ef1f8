import { textOf } from './texts.ts';

/** How values of applications are read: what lists, entries and texts they have (clause 1.5). */

const smallTextMax = 256;

/** Costs so little that nothing has to be left out for it. */
export function isSmall(value: unknown): boolean {
  if (typeof value === 'string') return value.length <= smallTextMax;
  return typeof value !== 'object' || value === null;
}

/** About how much there is of it, where it says so. */
export function lengthOf(value: unknown): number {
  try {
    const { length, size } = value as { length?: number; size?: number };
    const count = Number(length ?? size);
    return Number.isNaN(count) ? 0 : count;
  } catch {
    return 0;
  }
}

export interface List {
  readonly items: Iterable<unknown>;
  readonly length: number;
}

/** Undefined where it is no list. */
export function listOf(value: object): List | undefined {
  if (Array.isArray(value)) return { items: value, length: value.length };
  if (ArrayBuffer.isView(value)) {
    const isDataView = tagOf(value) === 'DataView';
    const items = (isDataView ? bytesOf(value) : value) as Uint8Array;
    return { items, length: items.length };
  }
  if (isPlainObject(value)) return undefined;
  const tag = tagOf(value);
  if (tag === 'Set') return { items: value as Set<unknown>, length: (value as Set<unknown>).size };
  return tag.endsWith('ArrayBuffer') ? listOf(new Uint8Array(value as ArrayBuffer)) : undefined;
}

const bytesOf = ({ buffer, byteOffset, byteLength }: ArrayBufferView) =>
  new Uint8Array(buffer, byteOffset, byteLength);

const ownKeys = { of: (value: object): readonly string[] => Object.keys(value) };

/** Keys and values of a Map and the like, or of an object's own properties, which `keys` lists. */
export function* entriesOf(value: object, keys = ownKeys): Iterable<[string, unknown]> {
  if (isMapping(value)) {
    for (const [key, each] of value) yield [textOf(key), each];
    return;
  }
  for (const key of keys.of(value)) yield [key, read(value, key)];
}

/** What a getter throws costs that property only. */
function read(from: object, key: string): unknown {
  try {
    return (from as Record<string, unknown>)[key];
  } catch (error) {
    return `<${nameOf(error)}>`;
  }
}

/** Another value in place of an object that is not its properties; otherwise the object itself. */
export function plainOf(value: object, above: readonly object[]): unknown {
  const isPlain = isPlainObject(value);
  const tag = isPlain ? 'Object' : tagOf(value);
  if (tag === 'Date') return dateText(value as Date);
  const json = jsonOf(value);
  if (json !== undefined && !above.includes(json as object)) return json;
  if (isPlain || tag === 'Map') return value;
  if (tag === 'Error' || tag === 'DOMException') return errorOf(value as Error);
  if (['Number', 'String', 'Boolean', 'BigInt', 'Symbol'].includes(tag)) return value.valueOf();
  return Object.keys(value).length > 0 || hasNoText(value) ? value : String(value);
}

const dateText = (date: Date) =>
  Number.isNaN(date.getTime()) ? 'Invalid Date' : date.toISOString();

/** More have no room in what is stored. */
const copiedMax = 32_768;
const keysMax = 12_000;

/** What a caller may change its own of afterwards (clause 1.1). */
export function shallowCopy(value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value;
  try {
    // Of the same realm, which is quicker to see, or of another.
    const isOrdinary = Object.getPrototypeOf(value) === Object.prototype;
    if (isOrdinary || isPlainObject(value)) return copyOf(value);
    if (Array.isArray(value)) return value.slice(0, copiedMax);
    const tag = tagOf(value);
    if (isMapping(value)) return new Map(firstOf(value, keysMax));
    if (tag === 'Set') return new Set(firstOf(value as Set<unknown>, copiedMax));
    if (tag !== 'Object' || 'toJSON' in value) return value;
    return copyOf(value);
  } catch {
    // A getter throws: it costs that property only, or nothing at all can be read of it.
    return copyByKey(value);
  }
}

/** Listing many keys takes long; copying what is below them would take several times as long. */
function copyOf(value: object): object {
  let count = 0;
  for (const _ in value) {
    count += 1;
    if (count > keysMax) return firstEntriesOf(value);
  }
  return { ...value };
}

function firstEntriesOf(value: object): object {
  const keys = Object.keys(value).slice(0, keysMax);
  return Object.fromEntries(keys.map((key) => [key, (value as Record<string, unknown>)[key]]));
}

function copyByKey(value: object): unknown {
  try {
    return Object.fromEntries(entriesOf(value));
  } catch {
    return `<${nameOf(value)}>`;
  }
}

function* firstOf<T>(items: Iterable<T>, most: number): Iterable<T> {
  let count = 0;
  for (const item of items) {
    if (count >= most) return;
    count += 1;
    yield item;
  }
}

/** A Map, Headers, a FormData: iterated over it gives its entries. What has a text is that. */
function isMapping(value: object): value is Iterable<readonly [unknown, unknown]> {
  if (isPlainObject(value)) return false;
  const { entries, [Symbol.iterator]: iterate } = value as Partial<Map<unknown, unknown>>;
  if (typeof entries !== 'function' || iterate !== entries) return false;
  return tagOf(value) === 'Map' || hasNoText(value);
}

/** None but that of any object. */
function hasNoText(value: object): boolean {
  let root = value;
  for (let next: object = value; next; next = Object.getPrototypeOf(next)) root = next;
  return value.toString === root.toString;
}

/** Of whatever realm: tests and worker contexts have objects of several. */
function isPlainObject(value: object): boolean {
  const prototype = Object.getPrototypeOf(value);
  return prototype === null || Object.getPrototypeOf(prototype) === null;
}

const tagOf = (value: object) => Object.prototype.toString.call(value).slice(8, -1);

/** What its own `toJSON` makes of it, unless that throws. */
function jsonOf(value: object): unknown {
  try {
    const { toJSON } = value as { toJSON?: unknown };
    return typeof toJSON === 'function' ? toJSON.call(value, '') : undefined;
  } catch {
    return undefined;
  }
}

function errorOf(error: Error): object {
  const { name, message, cause } = error;
  const { errors } = error as AggregateError;
  const several = Array.isArray(errors) ? { errors } : {};
  return { type: name, message, ...(cause !== undefined && { cause }), ...several };
}

/** The name of a value's class. */
export function nameOf(value: unknown): string {
  try {
    const { name } = (value as object).constructor;
    return typeof name === 'string' && name !== '' ? name : typeof value;
  } catch {
    return typeof value;
  }
}
