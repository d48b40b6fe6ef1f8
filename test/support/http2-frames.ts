/** Frames of HTTP/2 by hand, for what no client library would send: RFC 9113, section 4.1. */
const frameTypes = {
  data: 0,
  headers: 1,
  priority: 2,
  reset: 3,
  settings: 4,
  pushPromise: 5,
  ping: 6,
  goaway: 7,
  windowUpdate: 8,
  continuation: 9,
  unknown: 0xbe,
} as const;

export const frameFlags = {
  endStream: 1,
  ack: 1,
  endHeaders: 4,
  padded: 8,
  priority: 0x20,
} as const;

const headBytes = 9;

/** `length`: what the frame says of itself, where that is not what it has. */
export function frame(
  type: keyof typeof frameTypes,
  flags: number,
  stream: number,
  payload: Uint8Array = Buffer.alloc(0),
  length = payload.length,
): Buffer {
  const head = Buffer.alloc(headBytes);
  head.writeUIntBE(length, 0, 3);
  head.writeUInt8(frameTypes[type], 3);
  head.writeUInt8(flags, 4);
  head.writeUInt32BE(stream, 5);
  return Buffer.concat([head, payload]);
}

export function uint32(...values: readonly number[]): Buffer {
  const bytes = Buffer.alloc(4 * values.length);
  for (const [index, value] of values.entries()) bytes.writeUInt32BE(value, 4 * index);
  return bytes;
}

/** The settings of a frame, by their numbers. */
export const settings = (...pairs: readonly (readonly [number, number])[]): Buffer =>
  frame(
    'settings',
    0,
    0,
    Buffer.concat(pairs.map(([id, value]) => Buffer.concat([Buffer.from([0, id]), uint32(value)]))),
  );

export const preface = Buffer.concat([
  Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'),
  frame('settings', 0, 0),
]);

export const repeated = (count: number, bytes: Uint8Array): Buffer =>
  Buffer.concat(Array.from({ length: count }, () => bytes));

/** RFC 7541, section 5.1. */
function integer(value: number, prefixBits: number, pattern: number): Buffer {
  const most = 2 ** prefixBits - 1;
  if (value < most) return Buffer.from([pattern | value]);
  const bytes = [pattern | most];
  let rest = value - most;
  for (; rest >= 128; rest = Math.floor(rest / 128)) bytes.push((rest % 128) | 128);
  return Buffer.from([...bytes, rest]);
}

const literal = (text: string): Buffer =>
  Buffer.concat([integer(Buffer.byteLength(text, 'latin1'), 7, 0), Buffer.from(text, 'latin1')]);

/** One field as it is, in no table; `kept`: in the table of the connection from then on. */
export const field = (name: string, value: string, kept = false): Buffer =>
  Buffer.concat([Buffer.from([kept ? 0x40 : 0]), literal(name), literal(value)]);

/** The field that was kept last. */
export const lastKept = Buffer.from([0xbe]);

type Fields = readonly (readonly [name: string, value: string])[];

export const fields = (list: Fields): Buffer =>
  Buffer.concat(list.map(([name, value]) => field(name, value)));

/** What every request begins with. */
export const pseudoFields = (method: string, path: string): Fields => [
  [':method', method],
  [':scheme', 'http'],
  [':path', path],
  [':authority', 'localhost'],
];

/** A request without a body. */
export const get = (stream: number, path: string, more: Fields = []): Buffer =>
  frame(
    'headers',
    frameFlags.endStream | frameFlags.endHeaders,
    stream,
    fields([...pseudoFields('GET', path), ...more]),
  );

/** The head of one that has one. */
export const post = (stream: number, path: string, more: Fields = []): Buffer =>
  frame('headers', frameFlags.endHeaders, stream, fields([...pseudoFields('POST', path), ...more]));
