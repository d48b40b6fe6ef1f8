import fc from 'fast-check';
import { describe, expect, it, vi } from 'vitest';
import { shallowCopy } from '../src/shapes.ts';
import { metadataBytesMax, storable } from '../src/storable.ts';

/** Clause 1.5: whatever metadata is. */
/** While time stands still: on a busy machine the 50 ms may be over before anything was done. */
function still<T>(act: () => T): T {
  const clock = vi.spyOn(performance, 'now').mockReturnValue(0);
  try {
    return act();
  } finally {
    clock.mockRestore();
  }
}
const stored = (metadata: unknown) => still(() => storable(shallowCopy(metadata)).object);
const sizeOf = (value: unknown) => Buffer.byteLength(JSON.stringify(value));

class Point {
  x = 1;
  #hidden = 2;
  get sum() {
    return this.x + this.#hidden;
  }
}
class Money {
  readonly #cents = 5;
  toString() {
    return `${this.#cents} cents`;
  }
}
class Tagged {
  own = 1;
  get [Symbol.toStringTag]() {
    return 'Map';
  }
}
const form = new FormData();
form.set('f', 'v');
class Liar {
  own = 'kept';
  toJSON(): unknown {
    return this;
  }
}
const circular: Record<string, unknown> = { name: 'c' };
circular.self = circular;
const circularMap = new Map<string, unknown>([['name', 'm']]);
circularMap.set('self', circularMap);
const circularList: unknown[] = [1];
circularList.push(circularList);
const date = new Date(0);
const throwing = {
  before: 1,
  get secret() {
    throw new RangeError('no');
  },
  after: 2,
};
const revoked = Proxy.revocable({}, {});
revoked.revoke();
const hostile = new Proxy(
  { a: 1 },
  {
    ownKeys: () => {
      throw new Error('no keys');
    },
  },
);
const own = JSON.parse('{"__proto__": {"a": 1}}');

describe('1.5 a value', () => {
  it.each<[string, unknown, unknown]>([
    [
      'numbers without JSON',
      [Number.NaN, -Infinity, Infinity, -0],
      ['NaN', '-Infinity', 'Infinity', 0],
    ],
    ['bigints', [10n, -(2n ** 53n), 2n ** 53n + 1n], [10, -(2 ** 53), '9007199254740993']],
    ['symbols', Symbol('s'), 'Symbol(s)'],
    ['functions', function named() {}, '[Function named]'],
    ['undefined', [undefined], [null]],
    ['dates', [date, new Date('x')], [date.toISOString(), 'Invalid Date']],
    ['errors', new TypeError('told'), { type: 'TypeError', message: 'told' }],
    [
      'errors of the platform',
      new DOMException('late', 'TimeoutError'),
      { type: 'TimeoutError', message: 'late' },
    ],
    [
      'errors with causes',
      new Error('outer', { cause: new RangeError('inner', { cause: 'root' }) }),
      {
        type: 'Error',
        message: 'outer',
        cause: { type: 'RangeError', message: 'inner', cause: 'root' },
      },
    ],
    [
      'several errors',
      new AggregateError([new Error('a')], 'all'),
      { type: 'AggregateError', message: 'all', errors: [{ type: 'Error', message: 'a' }] },
    ],
    [
      'maps',
      new Map<unknown, unknown>([
        [1, 2],
        ['k', new Map([['n', null]])],
      ]),
      { 1: 2, k: { n: null } },
    ],
    ['sets', new Set(['a', new Set([1])]), ['a', [1]]],
    ['what is read like a map', [new Headers({ b: '1' }), form], [{ b: '1' }, { f: 'v' }]],
    ['what is called a map', new Tagged(), { own: 1 }],
    ['regular expressions', /a+/gi, '/a+/gi'],
    ['typed arrays', [new Float32Array([0.5, 2]), new BigInt64Array([1n])], [[0.5, 2], [1]]],
    [
      'bytes',
      [Buffer.from('ab'), new Uint8Array([1]).buffer, new DataView(new ArrayBuffer(1))],
      [[97, 98], [1], [0]],
    ],
    ['boxed values', [Object(1), Object('s'), Object(true), Object(2n)], [1, 's', true, 2]],
    ['URLs and the like', [new URL('http://x/'), new URLSearchParams('a=1')], ['http://x/', 'a=1']],
    ['instances', [new Point(), new Money()], [{ x: 1 }, '5 cents']],
    ['objects without a prototype', Object.assign(Object.create(null), { a: 1 }), { a: 1 }],
    ['keys that are symbols', { [Symbol('s')]: 1, a: 2 }, { a: 2 }],
    ['a dangerous key', own, own],
    ['unpaired surrogates', ['x\ud800y', { 'k\udc00': 1 }], ['x\ufffdy', { 'k\ufffd': 1 }]],
    ['circles', circular, { name: 'c', self: '<circular>' }],
    ['circular maps', circularMap, { name: 'm', self: '<circular>' }],
    ['circular lists', circularList, [1, '<circular>']],
    [
      'the same twice, which is no circle',
      [date, date, own, own],
      [date.toISOString(), date.toISOString(), own, own],
    ],
    ['getters that throw', throwing, { before: 1, secret: '<RangeError>', after: 2 }],
    ['revoked proxies', [revoked.proxy], ['<object>']],
    ['proxies that throw', [hostile, 1], ['<Object>', 1]],
    ['toJSON', { toJSON: () => ({ a: new Date(0) }) }, { a: date.toISOString() }],
    ['toJSON that lies', new Liar(), { own: 'kept' }],
    [
      'toJSON that throws',
      Object.assign(
        new (class Own {
          toJSON() {
            throw new Error('no');
          }
        })(),
        { own: 'kept' },
      ),
      { own: 'kept' },
    ],
  ])('%s', (_, value, expected) => {
    expect(stored({ value, beside: 1 })).toEqual({ value: expected, beside: 1 });
    // -0 and 0 are told apart by toEqual alone.
    expect(JSON.stringify(stored({ value }))).toBe(JSON.stringify({ value: expected }));
  });

  it.each<[string, unknown, object]>([
    ['a list', [1, 2], { value: [1, 2] }],
    ['a text', 'text', { value: 'text' }],
    ['a function', () => {}, { value: '[Function ]' }],
    ['a map', new Map([['a', 1]]), { a: 1 }],
    ['a set', new Set([1]), { value: [1] }],
    ['an error', new Error('told'), { type: 'Error', message: 'told' }],
    ['an instance', new Point(), { x: 1 }],
    ['a date', date, { value: date.toISOString() }],
    ['typed', new Uint8Array([7]), { value: [7] }],
    ['with a getter that throws', throwing, { before: 1, secret: '<RangeError>', after: 2 }],
    ['a revoked proxy', revoked.proxy, { value: '<object>' }],
    ['a proxy that throws', hostile, { value: '<Object>' }],
    ['with toJSON', new Liar(), { own: 'kept' }],
  ])('as the metadata itself: %s', (_, metadata, expected) => {
    expect(stored(metadata)).toEqual(expected);
  });

  it('a toJSON that gives ever more of itself', () => {
    const endless = (): object => ({ toJSON: endless });
    expect(JSON.stringify(stored({ endless: endless() }))).toContain('<too deep>');
  });

  it('what is nested as deep as the service takes, and deeper', () => {
    const nested = (levels: number): unknown => (levels === 0 ? 'bottom' : [nested(levels - 1)]);
    expect(JSON.stringify(stored({ deep: nested(31) }))).toContain('bottom');
    expect(JSON.stringify(stored({ deep: nested(32) }))).toContain('<too deep>');
  });
});

describe('1.5 too much of it', () => {
  const floats = Array.from({ length: 3_000_000 }, (_, at) => at / 7);
  const nodes = Array.from({ length: 50 }, () => ({}) as Record<string, unknown>);
  for (const node of nodes) for (const [at, other] of nodes.entries()) node[`n${at}`] = other;
  const endless = {
    *[Symbol.iterator]() {
      for (;;) yield 1;
    },
  };
  const slow = new Proxy([] as unknown[], {
    get: (list, key) => {
      if (typeof key === 'symbol') return Reflect.get(list, key);
      if (key === 'length') return 1e9;
      const end = performance.now() + 0.5;
      while (performance.now() < end);
      return 'slow';
    },
  });

  it.each<[string, unknown]>([
    ['a list of 3 million floats', floats],
    ['the same, typed', Float64Array.from(floats)],
    ['a map of a million', new Map(floats.slice(0, 1_000_000).map((value, at) => [at, value]))],
    ['a set of a million', new Set(floats.slice(0, 1_000_000))],
    ['a text of 100 million', Buffer.alloc(100_000_000, 'x').toString('latin1')],
    ['a text that needs escapes', '\u0000'.repeat(1_000_000)],
    ['a text of emoji', '\u{1f600}'.repeat(100_000)],
    ['a sparse list', new Array(1_000_000_000)],
    ['a graph in which everything refers to everything', nodes],
    [
      'many keys',
      Object.fromEntries(floats.slice(0, 20_000).map((value, at) => [`key${at}`, value])),
    ],
    ['many lists', Array.from({ length: 100_000 }, () => [[], {}])],
    [
      'many large entries',
      Object.fromEntries(floats.slice(0, 9000).map((_, at) => [`k${at}`, []])),
    ],
    ['a long key', { ['k'.repeat(1_000_000)]: 1 }],
    ['a list that is slow to read', slow],
    ['a list that goes on for ever', Object.assign([], endless)],
  ])('%s: some of it is kept, and all that is beside it', (_, large) => {
    const memory = process.memoryUsage().heapUsed;
    const startMs = performance.now();
    const { object, bytes } = storable({ first: 1, large, last: 'kept' });
    const ms = performance.now() - startMs;
    expect(object).toMatchObject({ first: 1, last: 'kept', telemetry_truncated: true });
    expect(sizeOf(object.large)).toBeGreaterThan(2);
    expect(sizeOf(object)).toBeLessThanOrEqual(bytes);
    expect(bytes).toBeLessThanOrEqual(metadataBytesMax);
    // Bounded is what it takes, by far: the machine may be busy.
    expect(ms).toBeLessThan(1000);
    expect(process.memoryUsage().heapUsed - memory).toBeLessThan(64 * 1024 * 1024);
  });

  it('copies no more of many keys than there is room for', () => {
    const many: Record<string, unknown> = JSON.parse('{"__proto__": 1}');
    for (let at = 0; at < 50_000; at += 1) many[`key${at}`] = at;
    for (const given of [many, new Map(Object.entries(many))]) {
      const copy = shallowCopy(given) as object;
      expect(copy instanceof Map ? copy.size : Object.keys(copy).length).toBe(12_000);
      expect(Object.keys(stored(given))).toEqual(
        expect.arrayContaining(['__proto__', 'key0', 'key1000', 'telemetry_truncated']),
      );
    }
  });

  it('leaves room for what is behind it', () => {
    const object = stored({
      large: 'x'.repeat(1e6),
      list: Array(1e5).fill(7),
      late: ['kept'],
    });
    expect(object).toMatchObject({ late: ['kept'], telemetry_truncated: true });
    const [large, list] = [sizeOf(object.large), sizeOf(object.list)];
    expect(Math.abs(large - list)).toBeLessThan(100);
    expect(large + list).toBeGreaterThan(0.98 * metadataBytesMax);
  });

  it('has room for the object around what is none', () => {
    for (const given of ['x'.repeat(1e6), Array(1e5).fill(1)]) {
      expect(sizeOf(stored(given))).toBeLessThanOrEqual(metadataBytesMax);
    }
  });

  it('keeps what fits as a whole', () => {
    const metadata = { a: 'x'.repeat(40_000), b: 'y'.repeat(15_000), c: Array(500).fill(1) };
    expect(stored(metadata)).toEqual(metadata);
  });

  it('is no more than it says, and what it says is no more than there is room', () => {
    const room = 2000;
    fc.assert(
      fc.property(
        fc.anything({
          maxDepth: 6,
          withBigInt: true,
          withDate: true,
          withMap: true,
          withSet: true,
          withTypedArray: true,
          withSparseArray: true,
          withNullPrototype: true,
          withUnicodeString: true,
        }),
        (given) => {
          const { object, bytes } = storable({ given }, room);
          expect(sizeOf(object)).toBeLessThanOrEqual(bytes);
          expect(bytes).toBeLessThanOrEqual(room + 64);
        },
      ),
      { numRuns: 1000 },
    );
  });
});
