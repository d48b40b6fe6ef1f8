import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ByteWriter } from '../../src/records/byte-writer.ts';
import { MetadataWriter } from '../../src/records/json/metadata.ts';
import { StorableText } from '../../src/records/storable.ts';
import { LenientTextDecoder } from '../../src/serve/json-decoder.ts';

const half = '\ud800';
const otherHalf = '\udc00';
const pair = '\u{1f600}';

describe('a text', () => {
  it.each([
    ['plain', 'plain', 0],
    ['', '', 0],
    [`pair ${pair}`, `pair ${pair}`, 0],
    ['a\0b', 'a\uFFFDb', 1],
    [`a${half}b`, 'a\uFFFDb', 1],
    [`${otherHalf}${half}`, '\uFFFD\uFFFD', 1],
    [`\0${half}${pair}\0`, `\uFFFD\uFFFD${pair}\uFFFD`, 1],
    ['\\u0000 \\ud800', '\\u0000 \\ud800', 0],
  ])('%j is stored as %j, and counted when changed', (given, stored, changed) => {
    const storable = new StorableText();
    expect(storable.text(given)).toBe(stored);
    expect(storable.changed).toBe(changed);
  });
});

describe('metadata', () => {
  const stored = (json: string) => {
    const bytes = Buffer.from(json);
    const row = new ByteWriter();
    const writer = new MetadataWriter();
    writer.write(bytes, 0, bytes.length, row);
    return { json: row.bytes().subarray(5).toString(), changed: writer.changed };
  };

  it('is changed in strings and keys at any depth', () => {
    const metadata = {
      'a\0': [{ [half]: `x${otherHalf}` }, '\0\0'],
      fine: 'fine',
      n: 1,
      none: null,
    };
    expect(stored(JSON.stringify(metadata))).toEqual({
      json: '{"a\uFFFD":[{"\uFFFD":"x\uFFFD"},"\uFFFD\uFFFD"],"fine":"fine","n":1,"none":null}',
      changed: 4,
    });
  });

  it.each([{ text: '\\u0000' }, { text: '\\ud800' }, { '\\ud83d\\ude00': pair }])(
    'that only looks so stays as it is: %j',
    (metadata) => {
      const json = JSON.stringify(metadata);
      expect(stored(json)).toEqual({ json, changed: 0 });
    },
  );

  it('keeps a key that JavaScript thinks special, and one that comes twice', () => {
    const json = '{"__proto__":{"a":"\\u0000"},"b":1,"b":2}';
    expect(stored(json).json).toBe('{"__proto__":{"a":"\uFFFD"},"b":1,"b":2}');
  });
});

describe('JSON text', () => {
  function decode(json: string): { text: string; changed: number } {
    let changed = 0;
    const decoder = new LenientTextDecoder((strings) => {
      changed += strings;
    });
    return { text: decoder.decode(Buffer.from(json)), changed };
  }

  it.each([
    [String.raw`"\ud800"`, String.raw`"\ufffd"`, 1],
    [String.raw`"\uD800x"`, String.raw`"\ufffdx"`, 1],
    [String.raw`"\udC00"`, String.raw`"\ufffd"`, 1],
    [String.raw`"\udc00\ud800"`, String.raw`"\ufffd\ufffd"`, 2],
    [String.raw`"\ud800\ud83d\ude00"`, String.raw`"\ufffd\ud83d\ude00"`, 1],
    [String.raw`"\\\ud800"`, String.raw`"\\\ufffd"`, 1],
    [String.raw`"\ud800\\udc00"`, String.raw`"\ufffd\\udc00"`, 1],
    [String.raw`"\ud800\n\udc00"`, String.raw`"\ufffd\n\ufffd"`, 2],
  ])('%s is repaired to %s', (json, repaired, changed) => {
    expect(decode(json)).toEqual({ text: repaired, changed });
  });

  it.each([
    String.raw`"\ud83d\ude00"`,
    String.raw`"\uD83D\uDE00"`,
    String.raw`"\uD83d\udE00"`,
    String.raw`"\\ud800"`,
    String.raw`"\\\\ud800"`,
    String.raw`"\"\\ud800\""`,
    String.raw`"\ud7ff\ue000\u0000"`,
    '"\u{1f600} ud800"',
    '',
  ])('%s stays as it is', (json) => {
    expect(decode(json)).toEqual({ text: json, changed: 0 });
  });

  it('is never left with half of a pair, and never changed without one', () => {
    const part = fc.constantFrom(
      ...[half, otherHalf, pair, '\\', '"', 'ud800', 'u', '\n', '\0', 'x', '\uE000'],
    );
    const property = fc.property(fc.array(part), fc.boolean(), (parts, upper) => {
      const value = parts.join('');
      // Escaped by hand: JSON.stringify writes pairs as they are.
      const escaped = JSON.stringify(value).replace(/[\ud800-\udfff]/g, (unit) => {
        const hex = unit.charCodeAt(0).toString(16);
        return `\\u${upper ? hex.toUpperCase() : hex}`;
      });
      const { text, changed } = decode(escaped);
      expect(JSON.parse(text)).toBe(value.toWellFormed());
      expect(changed > 0).toBe(!value.isWellFormed());
    });
    fc.assert(property, { seed: 11, numRuns: 500 });
  });
});
