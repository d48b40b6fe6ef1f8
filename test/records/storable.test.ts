import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ByteWriter } from '../../src/records/byte-writer.ts';
import { MetadataWriter } from '../../src/records/json/metadata.ts';
import { StorableText } from '../../src/records/storable.ts';

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

describe('strings of JSON', () => {
  function stored(json: string): { json: string; changed: number } {
    const bytes = Buffer.from(`{"a":${json}}`);
    const row = new ByteWriter();
    const writer = new MetadataWriter();
    writer.write(bytes, 0, bytes.length, row);
    return { json: row.bytes().subarray(10, -1).toString(), changed: writer.changed };
  }

  it.each([
    [String.raw`"\ud800"`, '"\uFFFD"', 1],
    [String.raw`"\uD800x"`, '"\uFFFDx"', 1],
    [String.raw`"\udc00\ud800"`, '"\uFFFD\uFFFD"', 2],
    [String.raw`"\ud800\ud83d\ude00"`, `"\uFFFD${pair}"`, 1],
    [String.raw`"\\\ud800"`, '"\\\\\uFFFD"', 1],
    [String.raw`"\ud800\\udc00"`, '"\uFFFD\\\\udc00"', 1],
    [String.raw`"\ud800\n\udc00"`, '"\uFFFD\\n\uFFFD"', 2],
    [String.raw`"\uD83d\uDE00"`, `"${pair}"`, 0],
    [String.raw`"\\ud800"`, String.raw`"\\ud800"`, 0],
    [String.raw`"\"\\ud800\""`, String.raw`"\"\\ud800\""`, 0],
    [String.raw`"\u0022\u005C\/\u000a\u001F\u00e9\u7BC0"`, String.raw`"\"\\/\n\u001fé節"`, 0],
  ])('%s are stored as %s', (json, text, changed) => {
    expect(stored(json)).toEqual({ json: text, changed });
  });

  it('are never left with half of a pair, and never changed without one', () => {
    const part = fc.constantFrom(
      ...[half, otherHalf, pair, '\\', '"', 'ud800', 'u', '\n', 'x', '\uE000', '\x7f', 'é'],
    );
    const property = fc.property(fc.array(part), fc.boolean(), (parts, upper) => {
      const value = parts.join('');
      // Escaped by hand: JSON.stringify writes pairs as they are.
      const escaped = JSON.stringify(value).replace(/[\ud800-\udfff]/g, (unit) => {
        const hex = unit.charCodeAt(0).toString(16);
        return `\\u${upper ? hex.toUpperCase() : hex}`;
      });
      const { json, changed } = stored(escaped);
      expect(json).toBe(JSON.stringify(value.toWellFormed()));
      expect(changed > 0).toBe(!value.isWellFormed());
    });
    fc.assert(property, { seed: 11, numRuns: 500 });
  });
});
