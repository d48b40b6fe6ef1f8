import { param } from './address.ts';

const minute = 60_000;
const hour = 60 * minute;
const day = 24 * hour;

/** From, up to and without; in ms. */
export interface Span {
  readonly from: number;
  readonly to: number;
}

/** Ranges that end now; Now, Explore and Service share them. */
export const ranges: Readonly<Record<string, readonly [label: string, words: string, ms: number]>> =
  {
    '15m': ['15 min', 'Last 15 minutes', 15 * minute],
    '1h': ['1 h', 'Last hour', hour],
    '6h': ['6 h', 'Last 6 hours', 6 * hour],
    '24h': ['24 h', 'Last 24 hours', day],
    '7d': ['7 d', 'Last 7 days', 7 * day],
    '30d': ['30 d', 'Last 30 days', 30 * day],
  };

export const rangeName = (): string => param('t') || '1h';

/** Of two times with two dots between, as an address has them. */
export function customSpan(text: string): Span | undefined {
  const [from = '', to = ''] = text.split('..');
  const span = { from: Date.parse(from), to: Date.parse(to) };
  return span.from < span.to ? span : undefined;
}

export const spanText = ({ from, to }: Span): string =>
  `${new Date(from).toISOString()}..${new Date(to).toISOString()}`;

/** What is asked for at a moment. */
export function rangeAt(now: number): Span {
  const custom = customSpan(rangeName());
  if (custom) return custom;
  const [, , ms] = ranges[rangeName()] ?? (ranges['1h'] as (typeof ranges)[string]);
  return { from: now - ms, to: now };
}

/** In words: `in the last hour`. */
export function rangeWords(): string {
  const known = ranges[rangeName()];
  if (customSpan(rangeName())) return 'in this range';
  return `in the ${(known ?? (ranges['1h'] as (typeof ranges)[string]))[1].toLowerCase()}`;
}
