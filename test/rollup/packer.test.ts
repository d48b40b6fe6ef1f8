import { expect, it } from 'vitest';
import { KeyTable } from '../../src/rollup/key-table.ts';
import { MetadataSums } from '../../src/rollup/metadata-sums.ts';
import { PackedReader } from '../../src/rollup/packed-reader.ts';
import { addKey, Packer } from '../../src/rollup/packer.ts';
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

it.each([
  ['{"tokens_generated":12}', [12, Number.NaN]],
  ['{"a":{"tokens_generated":1},"total_tokens":7.9}', [Number.NaN, 7]],
  ['{"tokens_generated":1,"x":"tokens_generated","tokens_generated":-2.5e1}', [-25, Number.NaN]],
  ['{"tokens_generated":"12","total_tokens":null}', undefined],
  ['{"x":"\\"tokens_generated\\":5","total_tokens":1e300}', [Number.NaN, 9007199254740991]],
  ['["tokens_generated",5]', undefined],
])('reads the sums of %s', (json, expected) => {
  const sums = new MetadataSums(eventShape.sums.map(({ name }) => name));
  const bytes = Buffer.from(json);
  expect(sums.read(bytes, 0, bytes.length)).toBe(expected !== undefined);
  if (expected) expect([...sums.found]).toEqual(expected);
});
