import type { Random } from './random.ts';

/** Bytes that mean something to a parser: ends of ranges, frames, invalid UTF-8, varints without end. */
const tokens = [
  '00',
  'ff',
  '7f',
  '80',
  'ffffffff',
  '7fffffff',
  '80000000',
  'ffffffffffffffffff01',
  'ffffffffff',
  '0a',
  '0aff',
  '22',
  '7b',
  '5b',
  'c080',
  'eda080',
  'f4908080',
  'e282',
  '0000000000',
  '01ffffffff',
].map((hex) => Buffer.from(hex, 'hex'));

/** Changes bytes in one to four places. */
export function mutateBytes(random: Random, bytes: Buffer, others: readonly Buffer[]): Buffer {
  let mutated = Buffer.from(bytes);
  for (let left = 1 + random.below(4); left > 0; left -= 1) {
    const at = random.below(mutated.length + 1);
    const end = at + random.below(mutated.length - at + 1);
    const replace = (insertion: Uint8Array, to = at) =>
      Buffer.concat([mutated.subarray(0, at), insertion, mutated.subarray(to)]);
    const other = random.pick(others);
    const changes = [
      () => flip(random, mutated),
      () => flip(random, mutated),
      () => mutated.subarray(0, at),
      () => replace(random.pick(tokens)),
      () => replace(random.pick(tokens), Math.min(mutated.length, at + 1 + random.below(4))),
      () => replace(random.bytes(1 + random.below(16))),
      () => replace(mutated.subarray(at, end)),
      () => replace(Buffer.alloc(0), end),
      () => replace(other.subarray(random.below(other.length)), end),
    ];
    mutated = Buffer.from(random.pick(changes)());
  }
  return mutated;
}

function flip(random: Random, bytes: Buffer): Buffer {
  if (bytes.length === 0) return bytes;
  const at = random.below(bytes.length);
  bytes[at] = (bytes[at] as number) ^ (1 << random.below(8));
  return bytes;
}

/** JSON texts that are valid, or nearly, and unlike what is expected. */
const values = [
  'null',
  'true',
  '0',
  '-1',
  '-0',
  '1e400',
  '-1e400',
  '1e308',
  '5e-324',
  '9007199254740993',
  '18446744073709551616',
  '0.1',
  '1e2',
  '""',
  '"\\ud800"',
  '"\\udc00\\ud800"',
  '"\\u0000"',
  '"NaN"',
  '"Infinity"',
  '"-1"',
  '"1e9"',
  '"0x10"',
  '" 5 "',
  '"+5"',
  '"5.0"',
  '"1_0"',
  '5.0',
  '1e-400',
  '-9223372036854775809',
  '123456789012345678901234567890.5',
  '[]',
  '{}',
  '[[]]',
  '{"":{}}',
  '{"__proto__":1}',
  '[null]',
  'NaN',
  '"2026-01-01T00:00:00Z"',
  '"2026-09-31T10:00:00Z"',
  '"2026-02-29T10:00:00.123456789Z"',
  '"2026-01-01T24:00:00Z"',
  '"2026-01-01T00:00:00"',
  '"2026-01-01t00:00:00+25:00"',
  '"2026-01-01 00:00:00-00:00"',
  '"9999-12-31T23:59:60Z"',
  '"0000-00-00T00:00:00Z"',
  '{"seconds":1}',
  '"019a0000-0000-7000-8000-000000000000"',
  '"ffffffff-ffff-ffff-ffff-ffffffffffff"',
  '"\u{10ffff}"',
];

export type Json = null | boolean | number | string | Json[] | { [key: string]: Json };

/** JSON text of a value in which every eighth part or so is something else. */
export function mutateJson(random: Random, value: Json): string {
  if (random.below(8) === 0) return strange(random);
  if (Array.isArray(value)) return `[${value.map((item) => mutateJson(random, item)).join(',')}]`;
  if (value === null || typeof value !== 'object') return JSON.stringify(value);
  const members = Object.entries(value).flatMap(([key, item]) => {
    const name = random.below(40) === 0 ? random.pick(['', 'eventType', '\0', key]) : key;
    const member = () => `${JSON.stringify(name)}:${mutateJson(random, item)}`;
    return random.below(40) === 0 ? [member(), member()] : [member()];
  });
  return `{${members.join(',')}}`;
}

function strange(random: Random): string {
  switch (random.below(20)) {
    case 0:
      return nested(random, random.pick([30, 33, 99, 1000, 3000]));
    case 1:
      return JSON.stringify('é'.repeat(random.pick([33, 129, 300, 40_000])));
    default:
      return random.pick(values);
  }
}

function nested(random: Random, depth: number): string {
  return random.below(2) === 0
    ? '['.repeat(depth) + ']'.repeat(depth)
    : `${'{"a":'.repeat(depth)}1${'}'.repeat(depth)}`;
}
