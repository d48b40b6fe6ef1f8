import { expect, it } from 'vitest';
import { eventOf } from '../src/pino-record.ts';

const ms = 1_700_000_000_123;
const iso = new Date(ms).toISOString();

it.each<[string, unknown, number | undefined]>([
  ['epochTime', ms, ms],
  ['unixTime', 1_700_000_000, 1_700_000_000_000],
  ['isoTime', iso, ms],
  ['isoTimeNano', iso.replace('Z', '456789Z'), ms],
  ['a text of digits', String(ms), ms],
  ['none that is one', 'yesterday', undefined],
  ['an object', { year: 2020 }, undefined],
  ['an object without a text', { toString: 1, valueOf: 1 }, undefined],
  ['a list', [ms], undefined],
  ['none', undefined, undefined],
])('the time of a record: %s', (_, time, expected) => {
  const { timestamp, metadata } = eventOf({ time, other: 1 }, {});
  expect(timestamp).toBe(expected);
  expect(metadata).toEqual(
    expected === undefined && time !== undefined ? { time, other: 1 } : { other: 1 },
  );
});

it.each<[unknown, string | undefined]>([
  [10, 'TRACE'],
  [35, 'NOTICE'],
  [40, 'WARNING'],
  [45, 'WARNING'],
  [60, 'FATAL'],
  ['warn', 'WARNING'],
  ['info', 'INFO'],
  ['Audit', 'AUDIT'],
  ['x'.repeat(100), undefined],
  [{ a: 1 }, undefined],
  [null, undefined],
])('the status of a record of level %j', (level, expected) => {
  expect(eventOf({ level }, { levels: { 35: 'notice' } }).status).toBe(expected);
});

it('what is nested is logged as if it were not, with every key of the message', () => {
  const record = { level: 30, time: ms, pid: 1, hostname: 'h', name: 'n', text: 'm' };
  const shape = { nestedKey: 'payload', messageKey: 'text' };
  expect(eventOf({ ...record, payload: { value: 2, err: { type: 'E' } } }, shape)).toEqual({
    component: 'n',
    value: 2,
    status: 'INFO',
    timestamp: ms,
    metadata: { message: 'm', err: { type: 'E' } },
  });
});

it('what is not as pino writes it stays in the metadata', () => {
  const record = { pid: 'x', hostname: 5, name: ['a'], level: true, time: {}, value: 'v', msg: 7 };
  expect(eventOf(record, { nestedKey: 'absent' })).toMatchObject({
    component: undefined,
    value: undefined,
    status: undefined,
    timestamp: undefined,
    metadata: { pid: 'x', hostname: 5, name: ['a'], level: true, value: 'v', message: 7 },
  });
  const long = { name: 'n'.repeat(300) };
  expect(eventOf(long, {})).toMatchObject({ component: undefined, metadata: long });
});
