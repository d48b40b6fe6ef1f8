import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ByteWriter } from '../../src/records/byte-writer.ts';
import { MetadataWriter } from '../../src/records/json/metadata.ts';
import { readNumber } from '../../src/records/json/number.ts';
import { JsonFault, JsonScanner } from '../../src/records/json/scanner.ts';
import { readText } from '../../src/records/json/text.ts';
import { checkUtf8 } from '../../src/records/json/utf8.ts';

/** Why a document is no JSON. */
function faultOf(document: string | Uint8Array): string | undefined {
  const bytes = Buffer.from(document as string);
  const scanner = new JsonScanner(bytes);
  try {
    checkUtf8(bytes);
    scanner.finish(scanner.value(scanner.space(0)));
    return undefined;
  } catch (fault) {
    if (fault instanceof JsonFault) return fault.message;
    throw fault;
  }
}

function parses(document: string): boolean {
  try {
    JSON.parse(document);
    return true;
  } catch {
    return false;
  }
}

describe('a document of JSON', () => {
  it.each([
    ['', 'unexpected end at byte 0'],
    [' ', 'unexpected end at byte 1'],
    ['{"a":1,}', 'unexpected "}" at byte 7'],
    ['[1,]', 'unexpected "]" at byte 3'],
    ['[,1]', 'unexpected "," at byte 1'],
    ['[1 2]', 'unexpected "2" at byte 3'],
    ['{"a" 1}', 'unexpected "1" at byte 5'],
    ['{a:1}', 'unexpected "a" at byte 1'],
    ["{'a':1}", `unexpected "'" at byte 1`],
    ['[1}', 'unexpected "}" at byte 2'],
    ['{"a":1]', 'unexpected "]" at byte 6'],
    ['{}}', 'unexpected "}" at byte 2'],
    ['01', 'unexpected "1" at byte 1'],
    ['-', 'unexpected end at byte 1'],
    ['-a', 'unexpected "a" at byte 1'],
    ['+1', 'unexpected "+" at byte 0'],
    ['1.', 'unexpected end at byte 2'],
    ['.5', 'unexpected "." at byte 0'],
    ['1e', 'unexpected end at byte 2'],
    ['[1e+]', 'unexpected "]" at byte 4'],
    ['0x10', 'unexpected "x" at byte 1'],
    ['NaN', 'unexpected "N" at byte 0'],
    ['nul', 'unexpected end at byte 3'],
    ['nulL', 'unexpected "L" at byte 3'],
    ['True', 'unexpected "T" at byte 0'],
    ['"a', 'unexpected end at byte 2'],
    ['"\t"', 'unexpected 0x9 at byte 1'],
    ['"\\x"', 'unexpected "x" at byte 2'],
    ['"\\u12G4"', 'unexpected "G" at byte 5'],
    ['"\\u12"', 'unexpected "\\"" at byte 5'],
    ['"\\', 'unexpected end at byte 2'],
    ['[1]\u00a0', 'unexpected 0xc2 at byte 3'],
    ['// no', 'unexpected "/" at byte 0'],
    ['['.repeat(100_000), 'unexpected end at byte 100000'],
  ])('is not %j', (document, why) => {
    expect(faultOf(document)).toBe(`is not JSON: ${why}`);
  });

  it.each(['ff', '22c322', '22c0af22', '22eda08022', '22f4908080', '22e28222'])(
    'is UTF-8, which %s is not',
    (hex) => {
      const at = hex.startsWith('22') ? 1 : 0;
      expect(faultOf(Buffer.from(hex, 'hex'))).toBe(`is not JSON: invalid UTF-8 at byte ${at}`);
    },
  );

  it('may be nested to any depth', () => {
    expect(faultOf('['.repeat(900_000) + ']'.repeat(900_000))).toBeUndefined();
    expect(faultOf('{"a":['.repeat(1000) + ']}'.repeat(1000))).toBeUndefined();
  });

  const json = fc.oneof(
    fc.json({ stringUnit: 'binary', depthSize: 'medium' }),
    fc.jsonValue().map((value) => JSON.stringify(value, undefined, '\t')),
    fc
      .array(
        fc.constantFrom(
          ...'{}[],:" \n\t\\/09-+.eEu',
          '"a"',
          '1',
          'true',
          'null',
          '\\u00',
          '\0',
          'é',
        ),
      )
      .map((parts) => parts.join('')),
  );
  const damaged = fc
    .tuple(json, fc.nat(), fc.constantFrom('', ...'{}[],:"\\01-+.eE \0'))
    .map(([text, position, damage]) => {
      const at = position % (text.length + 1);
      return text.slice(0, at) + damage + text.slice(at + (damage === '' ? 1 : 0));
    });

  it.each([
    ['JSON', json],
    ['damaged JSON', damaged],
  ])('is what JSON.parse reads: %s', (_, text) => {
    const property = fc.property(text, (document) => {
      // Halves of pairs become U+FFFD on their way into bytes.
      expect(faultOf(document) === undefined).toBe(parses(document));
    });
    fc.assert(property, { numRuns: 5000 });
  });
});

it('is as many bytes as its value', () => {
  const text = '[{"a":[1,{}]} , "x\\"" ,-1.5e3,true]';
  const scanner = new JsonScanner(Buffer.from(text));
  const items = [];
  let at = scanner.first(0, 0x5d);
  while (at >= 0) {
    const end = scanner.value(at);
    items.push(text.slice(at, end));
    at = scanner.next(end, 0x5d);
  }
  expect(items).toEqual(['{"a":[1,{}]}', '"x\\""', '-1.5e3', 'true']);
  expect(~at).toBe(text.length - 1);
});

describe('what is said to be plain', () => {
  const stored = (bytes: Buffer): string => {
    const row = new ByteWriter();
    new MetadataWriter().write(bytes, 0, bytes.length, row);
    return row.bytes().subarray(5).toString();
  };
  const isPlain = (bytes: Buffer): boolean => {
    const scanner = new JsonScanner(bytes);
    scanner.finish(scanner.value(0));
    return scanner.isPlain;
  };

  it('is stored as it was sent', () => {
    let plain = 0;
    const text = fc
      .tuple(fc.json({ maxDepth: 4 }), fc.constantFrom('', '', ' '))
      .map(([json, space]) => `{"a":${space}${json}}`);
    const property = fc.property(text, (json) => {
      const bytes = Buffer.from(json);
      if (!isPlain(bytes)) return;
      plain += 1;
      expect(stored(bytes)).toBe(json);
    });
    fc.assert(property, { numRuns: 3000 });
    expect(plain).toBeGreaterThan(300);
  });

  it.each([
    ['space', '{"a": 1}', false],
    ['space that ends it', '{"a":[1\n]}', false],
    ['space in a string', '{"a":"b c"}', true],
    ['an escape', '{"a":"\\u0000"}', false],
    ['an exponent', '{"a":1E5}', false],
    ['an exponent in a string', '{"a":"1e5"}', true],
    ['a long number', `{"a":${'1'.repeat(301)}}`, false],
    ['a number of 300 digits', `{"a":${'1'.repeat(300)}}`, true],
    ['lists in lists', `{"a":${'['.repeat(33)}${']'.repeat(33)}}`, false],
  ])('or is not, with %s: %s', (_, json, expected) => {
    expect(isPlain(Buffer.from(json))).toBe(expected);
  });
});

it('has numbers that read as Number reads them', () => {
  const text = fc.oneof(
    fc.double({ noNaN: true, noDefaultInfinity: true }).map(String),
    fc.integer().map(String),
    fc.maxSafeInteger().map((value) => `${value}`),
    fc.tuple(fc.maxSafeInteger(), fc.nat(99_999_999)).map(([a, b]) => `${a}.${b}`),
    fc.tuple(fc.integer({ min: -999, max: 999 }), fc.nat(9_999_999)).map(([a, b]) => `${a}.${b}`),
    fc.tuple(fc.integer(), fc.integer({ min: -400, max: 400 })).map(([a, b]) => `${a}e${b}`),
    fc.constantFrom('-0', '0', '-0.0', '0.000', '1e400', '-1E+400', '9007199254740993', '5e-324'),
  );
  const property = fc.property(text, (number) => {
    const padded = Buffer.from(`[${number}]`);
    expect(readNumber(padded, 1, padded.length - 1)).toBe(Number(number));
  });
  fc.assert(property, { numRuns: 20_000 });
});

it('has texts that read as JSON.parse reads them', () => {
  const property = fc.property(fc.json({ stringUnit: 'binary', maxDepth: 0 }), (json) => {
    if (!json.startsWith('"')) return;
    const bytes = Buffer.from(` ${json} `);
    const scanner = new JsonScanner(bytes);
    const end = scanner.string(1);
    expect(readText(bytes, 1, end, scanner.escaped)).toBe(JSON.parse(json).toWellFormed());
  });
  fc.assert(property, { numRuns: 2000 });
});
