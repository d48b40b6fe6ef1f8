import fc from 'fast-check';
import { expect, it } from 'vitest';
import { KeyTable } from '../../src/rollup/key-table.ts';
import { MetadataSums } from '../../src/rollup/metadata-sums.ts';
import { PackedReader } from '../../src/rollup/packed-reader.ts';
import { addKey, Packer } from '../../src/rollup/packer.ts';
import { RowFields } from '../../src/rollup/row-fields.ts';
import { eventShape } from '../../src/rollup/shapes.ts';
import { eventBatch } from '../support/batches.ts';

it('packs each row under the number of its series', () => {
  const series = new KeyTable();
  const packer = new Packer(eventShape, series);
  const copies = [eventBatch(3, 'A'), eventBatch(2, 'B')].map(({ rows }) => rows.event.copy);
  for (const copy of copies) packer.add(copy);
  expect(packer.unknown).toEqual([
    ['A', 'test', null],
    ['B', 'test', null],
  ]);
  for (const [index, values] of packer.unknown.entries()) {
    addKey(series, values);
    series.set(index + 7);
  }
  packer.restart();
  for (const copy of copies) packer.add(copy);
  expect(packer.events).toBe(5);
  const reader = new PackedReader(eventShape);
  reader.add(Buffer.from(packer.data()));
  const { totals } = reader;
  const [value] = totals.values;
  const read = [0, 1].map((place) => ({
    series: totals.places.seconds[place],
    records: totals.records[place],
    max: value?.max[place],
    sum: value?.sumAt(place),
  }));
  expect(read).toEqual([
    { series: 7, records: 3, max: 2, sum: 3 },
    { series: 8, records: 2, max: 1, sum: 1 },
  ]);
});

it('gives nothing for damaged rows', () => {
  const packer = new Packer(eventShape, new KeyTable());
  const { copy } = eventBatch(1).rows.event;
  for (let length = 0; length < copy.length; length++) packer.add(copy.subarray(0, length));
  for (let at = 0; at < copy.length; at++) {
    const damaged = Buffer.from(copy);
    damaged[at] = 0xff;
    packer.add(damaged);
  }
  expect(packer.events).toBeLessThanOrEqual(copy.length);
});

it('keeps keys apart, however many there are', () => {
  const table = new KeyTable();
  for (let number = 1; number <= 5000; number++) {
    addKey(table, [`series ${number}`, null, '']);
    expect(table.find()).toBe(0);
    table.set(number);
  }
  for (let number = 1; number <= 5000; number++) {
    addKey(table, [`series ${number}`, null, '']);
    expect(table.find()).toBe(number);
  }
  addKey(table, ['series 1', '', '']);
  expect(table.find()).toBe(0);
});

const names = eventShape.sums.map(({ name }) => name);

/** The numbers of the metadata, by name, of what a row has. */
function read(json: string): Record<string, number> {
  const sums = new MetadataSums(names);
  const row = new RowFields(0);
  const bytes = Buffer.from(json);
  row.begin(bytes);
  const mask = sums.read(row, 0, bytes.length);
  return Object.fromEntries(
    names.flatMap((name, index) =>
      (mask >> index) & 1 ? [[name, (sums.found[index] ?? 0) + 0]] : [],
    ),
  );
}

const most = Number.MAX_SAFE_INTEGER;
it.each([
  ['{"tokens_generated":12}', { tokens_generated: 12 }],
  ['{"a":{"tokens_generated":1},"total_tokens":7.9}', { total_tokens: 7 }],
  [
    '{"tokens_generated":1,"x":"tokens_generated","tokens_generated":-2.5e1}',
    { tokens_generated: -25 },
  ],
  ['{"tokens_generated":1,"tokens_generated":"2"}', {}],
  ['{"tokens_generated":"12","total_tokens":null}', {}],
  ['{"x":"\\"tokens_generated\\":5","total_tokens":1e300}', { total_tokens: most }],
  [
    '{"total_tokens":4503599627370497.99999,"tokens_generated":1E+2}',
    { total_tokens: 4503599627370497, tokens_generated: 100 },
  ],
  ['{"total_tokens":-99999999999999999999}', { total_tokens: -most }],
  ['{"a,\\"total_tokens":1,"total_tokens_":2,"xtotal_tokens":3}', {}],
  ['["tokens_generated",5]', {}],
])('reads the sums of %s', (json, expected) => {
  expect(read(json)).toEqual(expected);
});

it('reads of any object what jsonb has of it', () => {
  const name = fc.oneof(fc.constantFrom(...names, 'total', 'prompt_tokens'), fc.string());
  const number = fc.oneof(fc.integer(), fc.double({ noNaN: true, noDefaultInfinity: true }));
  const { object } = fc.letrec((tie) => ({
    value: fc.oneof(number, name, fc.constantFrom(null, true), tie('object'), tie('list')),
    list: fc.array(tie('value'), { maxLength: 3 }),
    object: fc.dictionary(name, tie('value'), { maxKeys: 6 }),
  }));
  const property = fc.property(object, (metadata) => {
    const expected = Object.entries(metadata as object).filter(
      ([key, value]) => names.includes(key) && typeof value === 'number',
    );
    expect(read(JSON.stringify(metadata))).toEqual(
      Object.fromEntries(
        expected.map(([key, value]) => [
          key,
          Math.max(-most, Math.min(most, Math.trunc(value))) + 0,
        ]),
      ),
    );
  });
  fc.assert(property, { numRuns: 500 });
});
