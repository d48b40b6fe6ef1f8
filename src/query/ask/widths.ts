import { Temporal } from 'temporal-polyfill';
import { ServiceError } from '../../errors.ts';
import { quarterMs } from '../../rollup/shapes.ts';
import { hourMs } from '../../units.ts';
import { startOfDate, usOfZoned, zoned } from './calendar.ts';
import { shownFromUs, shownToUs, usOfMs } from './instants.ts';
import type { Notes } from './notes.ts';

/** Parts of a range that are told apart; its borders are one more, oldest first. */
export interface Buckets {
  readonly width: string;
  readonly bordersUs: readonly number[];
  /** Whether they are wider than would have been chosen, since that would be too much to read. */
  readonly isWider?: boolean;
}

const bucketsMax = 2000;
const bucketsAimedAt = 120;

/** Of a length of their own; the others are of the calendar. */
const secondsOf: Readonly<Record<string, number>> = { s: 1, m: 60, h: 3600 };
const secondsOfDay = 86_400;
/** About: only to choose by. */
const secondsAbout: Readonly<Record<string, number>> = {
  ...secondsOf,
  d: secondsOfDay,
  w: 7 * secondsOfDay,
  mo: 30 * secondsOfDay,
  q: 91 * secondsOfDay,
  y: 365 * secondsOfDay,
};
interface Width {
  readonly count: number;
  readonly unit: string;
}

const aboutUs = ({ count, unit }: Width): number =>
  count * (secondsAbout[unit] as number) * 1_000_000;

const ladder = [
  ...['1s', '5s', '10s', '15s', '30s', '1m', '2m', '5m', '10m', '15m', '30m'],
  ...['1h', '2h', '3h', '6h', '12h', '1d', '1w', '1mo', '1q', '1y'],
].map(readWidth);

/** Whether it is left to us. */
export const isAutomatic = (width: string): boolean => width === '' || width === 'auto';

/** The least of them. */
export const rolledWidth = '15m';

/** Whether its parts may be what rollups have: whole quarter hours. */
export const isRolled = (width: string): boolean =>
  aboutUs(readWidth(width)) % (quarterMs * usOfMs) === 0;

const nameOf = ({ count, unit }: Width): string => `${count}${unit}`;

/** The parts of a span in a zone; one that would have too many gets wider ones, and it is noted. */
export function readBuckets(
  text: string,
  span: { readonly startUs: number; readonly endUs: number },
  zone: string,
  notes: Notes,
): Buckets {
  const lengthUs = Math.max(0, span.endUs - span.startUs);
  const fitting = (most: number) =>
    ladder.find((each) => lengthUs / aboutUs(each) <= most) ?? (ladder.at(-1) as Width);
  let width = isAutomatic(text) ? fitting(bucketsAimedAt) : readWidth(text);
  if (lengthUs / aboutUs(width) > bucketsMax) {
    const wider = fitting(bucketsMax);
    notes.add(
      'width',
      `is ${text}, of which there are more than ${bucketsMax}: it is ${nameOf(wider)}`,
    );
    width = wider;
  }
  const seconds = secondsOf[width.unit];
  const bordersUs =
    seconds === undefined
      ? [...calendarBorders(width, span, zone)]
      : [...clockBorders(width.count * seconds * 1000, span, zone)];
  return { width: nameOf(width), bordersUs };
}

function readWidth(text: string): Width {
  const [, digits = '', unit = ''] = /^([1-9]\d{0,4})(s|m|h|d|w|mo|q|y)$/.exec(text) ?? [];
  const count = Number(digits);
  if (count === 0) throw invalid(`is ${JSON.stringify(text)}, not such as 15m, 1h, 1d, 1w or 1mo`);
  const seconds = secondsOf[unit];
  if (seconds !== undefined && secondsOfDay % (count * seconds) !== 0) {
    throw invalid(`is ${text}, which is no part of a day: 1d has to be a multiple of it`);
  }
  if (aboutUs({ count, unit }) > shownToUs - shownFromUs) {
    throw invalid(`is ${text}, which is longer than all times that are shown`);
  }
  return { count, unit };
}

const invalid = (reason: string) =>
  new ServiceError('invalid', `width ${reason}`, { field: 'width' });

/** A Monday, and the beginning of a month: from it on days and weeks are counted. */
const origin = Temporal.PlainDate.from('1973-01-01');
const monthsOf: Readonly<Record<string, number>> = { mo: 1, q: 3, y: 12 };

/** Beginnings of days, weeks, months and so on, from the one that the start is in. */
function* calendarBorders(
  { count, unit }: Width,
  { startUs, endUs }: { readonly startUs: number; readonly endUs: number },
  zone: string,
): Generator<number> {
  const months = (monthsOf[unit] ?? 0) * count;
  const days = (unit === 'w' ? 7 : 1) * count;
  const day = zoned(startUs, zone).toPlainDate();
  const step = months || days;
  let number = Math.floor((months ? monthsSince(day) : origin.until(day).days) / step);
  let last = -Infinity;
  for (;;) {
    const date = origin.add(months ? { months: number * step } : { days: number * step });
    const border = startOfDate(date, zone);
    // A day that a zone has left out, as Samoa did when it crossed the date line, is none.
    if (border > last) yield border;
    if (border >= endUs && border > startUs) return;
    last = border;
    number += 1;
  }
}

const monthsSince = ({ year, month }: Temporal.PlainDate): number =>
  (year - origin.year) * 12 + month - origin.month;

/** From the one that the start is in, as far as the end. */
function* clockBorders(
  widthMs: number,
  { startUs, endUs }: { readonly startUs: number; readonly endUs: number },
  zone: string,
): Generator<number> {
  // The first part may have begun before a change of the clock, and be longer for it.
  const before = startUs - 2 * (widthMs + hourMs) * usOfMs;
  let last = before;
  for (const border of clockBordersFrom(before, widthMs, zone)) {
    if (border > startUs) yield last;
    last = border;
    if (border > startUs && border >= endUs) break;
  }
  yield last;
}

/**
 * Whole hours, quarters and so on as the clocks of a zone show them, without end. Where they are
 * changed, those that are shown twice are two, and one of several hours is longer or shorter.
 */
function* clockBordersFrom(startUs: number, widthMs: number, zone: string): Generator<number> {
  let time = zoned(startUs, zone);
  let offset = time.offsetNanoseconds / 1e6;
  let border = Math.floor((Math.floor(startUs / usOfMs) + offset) / widthMs) * widthMs - offset;
  let change = nextChange(time);
  for (;;) {
    while (border < change) {
      yield border * usOfMs;
      border += widthMs;
    }
    time = zoned(change * usOfMs, zone);
    const shown = (change - 1 + offset) / widthMs;
    offset = time.offsetNanoseconds / 1e6;
    const next = Math.ceil((change + offset) / widthMs) * widthMs - offset;
    // The clock skips the beginning of another part.
    if (next > change && Math.floor(shown) !== Math.floor((change + offset) / widthMs)) {
      yield change * usOfMs;
    }
    border = next;
    change = nextChange(time);
  }
}

/** In milliseconds. */
function nextChange(time: Temporal.ZonedDateTime): number {
  const change = time.getTimeZoneTransition('next');
  return change ? usOfZoned(change) / usOfMs : Infinity;
}
