import { timestampFromMs } from '@bufbuild/protobuf/wkt';
import type { Range } from '../api/ask.ts';
import { month } from '../times.ts';
import { param } from './address.ts';
import { customSpan, type Span } from './range.ts';
import { midnight, offsetAt, zone } from './zone.ts';

/** Money goes by the calendar: what Usage looks at. */
export const periodName = (): string => param('p') || 'month';

interface Period {
  readonly range: Range;
  /** How long each bar is. */
  readonly width: string;
  /** For headings: `November so far`. */
  readonly words: string;
  /** After a verb: `in November so far`. */
  readonly inWords: string;
  /** What it is compared with: `October`. */
  readonly before: string;
}

export function periodAt(now: number): Period {
  const timeZone = zone.value;
  const name = periodName();
  if (name === 'today') {
    const range = { period: 'day', timeZone };
    return {
      range,
      width: '1h',
      words: 'today so far',
      inWords: 'today so far',
      before: 'yesterday',
    };
  }
  const days = { '7d': 7, '90d': 90 }[name];
  if (days) {
    const range = { startTime: timestampFromMs(midnight(now, 1 - days)), timeZone };
    const words = `last ${days} days`;
    return {
      range,
      width: '1d',
      words,
      inWords: `in the ${words}`,
      before: `the ${days} days before`,
    };
  }
  const custom = customSpan(name);
  if (custom) return customPeriod(custom);
  const range = { period: 'month', timeZone };
  const words = `${month(now)} so far`;
  return { range, width: '1d', words, inWords: `in ${words}`, before: monthBefore(now) };
}

function customPeriod({ from, to }: Span): Period {
  const range = {
    startTime: timestampFromMs(from),
    endTime: timestampFromMs(to),
    timeZone: zone.value,
  };
  const days = (to - from) / 86_400_000;
  const width = days <= 2 ? '1h' : days <= 120 ? '1d' : '1mo';
  return {
    range,
    width,
    words: 'the chosen days',
    inWords: 'in the chosen days',
    before: 'as long before',
  };
}

/** The name of the month before the one that a time is in, in the chosen zone. */
export const monthBefore = (now: number): string => {
  const daysSoFar = new Date(now + offsetAt(now)).getUTCDate();
  return month(midnight(now, -daysSoFar));
};
