import { expect, it } from 'vitest';
import { Notes } from '../../src/query/ask/notes.ts';
import { readBuckets } from '../../src/query/ask/widths.ts';

const borders = (width: string, zone: string, start: string, end: string) => {
  const span = { startUs: Date.parse(start) * 1000, endUs: Date.parse(end) * 1000 };
  const { bordersUs } = readBuckets(width, span, zone, new Notes());
  return bordersUs.map((us) => new Date(us / 1000).toISOString().slice(5, 16));
};

it.each([
  // Lord Howe goes back by half an hour at 15:00 UTC: from 2:00 to 1:30.
  [
    '6h',
    'Australia/Lord_Howe',
    '2026-04-04T19:26Z',
    '2026-04-04T20:00Z',
    '04-04T13:00 04-04T19:30 04-05T01:30',
  ],
  [
    '1h',
    'Australia/Lord_Howe',
    '2026-04-04T15:10Z',
    '2026-04-04T15:40Z',
    '04-04T14:00 04-04T15:30 04-04T16:30',
  ],
  [
    '15m',
    'Australia/Lord_Howe',
    '2026-04-04T14:50Z',
    '2026-04-04T15:10Z',
    '04-04T14:45 04-04T15:00 04-04T15:15',
  ],
  // And forward at 15:30 UTC.
  [
    '1h',
    'Australia/Lord_Howe',
    '2026-10-03T15:40Z',
    '2026-10-03T16:00Z',
    '10-03T15:30 10-03T16:00',
  ],
  // Berlin goes back by an hour at 1:00 UTC, and forward.
  ['6h', 'Europe/Berlin', '2026-10-25T03:30Z', '2026-10-25T05:00Z', '10-24T22:00 10-25T05:00'],
  [
    '1h',
    'Europe/Berlin',
    '2026-10-25T00:30Z',
    '2026-10-25T02:00Z',
    '10-25T00:00 10-25T01:00 10-25T02:00',
  ],
  ['12h', 'Europe/Berlin', '2026-03-29T08:00Z', '2026-03-29T10:00Z', '03-28T23:00 03-29T10:00'],
  // Samoa has left out the 30th of December.
  [
    '1d',
    'Pacific/Apia',
    '2011-12-29T12:00Z',
    '2011-12-30T12:00Z',
    '12-29T10:00 12-30T10:00 12-31T10:00',
  ],
  ['2h', 'Asia/Kathmandu', '2026-03-29T08:00Z', '2026-03-29T08:15Z', '03-29T06:15 03-29T08:15'],
])(
  'parts of %s in %s from %s to %s begin and end as the clock shows it',
  (width, zone, start, end, wanted) => {
    expect(borders(width, zone, start, end).join(' ')).toBe(wanted);
  },
);

it.each(['551y', '9000y', '99999mo'])(
  'a part of %s is refused: no time is that far away',
  (width) => {
    expect(() => borders(width, 'UTC', '2026-03-29T08:00Z', '2026-03-29T10:00Z')).toThrow(
      `width is ${width}, which is longer than all times that are shown`,
    );
  },
);
