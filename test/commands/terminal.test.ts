import fc from 'fast-check';
import stringWidth from 'string-width';
import { expect, it } from 'vitest';
import { type Column, tableLines } from '../../src/commands/api/terminal.ts';

const columns: readonly Column[] = [
  { name: 'timestamp', whole: true },
  { name: 'event_type' },
  { name: 'component' },
  { name: 'value', right: true },
  { name: 'metadata' },
];
const time = '2026-11-27 08:26:49.123456';
const rows = [
  [time, 'VRAM_CHECK', 'L1', '22.5', '{"gpu_id":0,"total_vram_gb":24.0}'],
  [time, 'THOUGHT_LATENCY', 'a-model-with-a-long-name', '1234567.125', ''],
];

it('cuts long texts first, then leaves out the last columns', () => {
  expect(tableLines(columns, rows, 80)).toEqual([
    'timestamp                   event_type   component           value  metadata',
    `${time}  VRAM_CHECK   L1                   22.5  {"gpu_id":0…`,
    `${time}  THOUGHT_LA…  a-model-wit…  1234567.125`,
  ]);
  expect(tableLines(columns, rows, 60)[2]).toBe(`${time}  THOUGHT…  a-model-…  1234567.125`);
  expect(tableLines(columns, rows, 58)[0]).toBe(
    'timestamp                   event_type      component',
  );
  expect(tableLines(columns, rows, 40)[1]).toBe(`${time}  VRAM_CHECK`);
  expect(tableLines(columns, rows, 20)).toEqual([
    'timestamp',
    ...rows.map(() => '2026-11-27 08:26:49…'),
  ]);
  expect(tableLines(columns, rows, Infinity)[1]).toContain('{"gpu_id":0,"total_vram_gb":24.0}');
});

it('is never wider than the terminal', () => {
  const cell = fc.string({ unit: 'grapheme', maxLength: 60 });
  const table = fc.array(fc.tuple(cell, cell, cell, fc.double().map(String), cell));
  fc.assert(
    fc.property(table, fc.integer({ min: 5, max: 200 }), (records, width) => {
      for (const line of tableLines(columns, records, width)) {
        expect(stringWidth(line)).toBeLessThanOrEqual(width);
      }
    }),
  );
});
