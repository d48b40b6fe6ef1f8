import { Temporal } from 'temporal-polyfill';
import { ServiceError } from '../../errors.ts';
import { usOfMs } from './instants.ts';

export type Zoned = Temporal.ZonedDateTime;

/** Throws where there is no such zone. */
export function readZone(field: string, zone: string): string {
  if (zone === '') return 'UTC';
  try {
    // An offset would be taken, too, but has no summer.
    if (/^[A-Za-z]/.test(zone)) return zoned(0, zone).timeZoneId;
  } catch {
    // Told below.
  }
  const reason = `is ${JSON.stringify(zone)}, no time zone such as Europe/Berlin or UTC`;
  throw new ServiceError('invalid', `${field} ${reason}`, { field });
}

export const zoned = (us: number, zone: string): Zoned =>
  Temporal.Instant.fromEpochMilliseconds(Math.floor(us / usOfMs)).toZonedDateTimeISO(zone);

export const usOfZoned = (time: Zoned): number => time.epochMilliseconds * usOfMs;

/** When a day begins in a zone, which is not always at midnight. */
export const startOfDate = (date: Temporal.PlainDate, zone: string): number =>
  usOfZoned(date.toZonedDateTime(zone));

const units = ['day', 'week', 'month', 'quarter', 'year'] as const;
type CalendarUnit = (typeof units)[number];

/** A period of the calendar, by the first days of it, of the one before and of the one after. */
export interface Period {
  readonly unit: CalendarUnit;
  readonly startUs: number;
  readonly endUs: number;
  readonly beforeUs: number;
}

/** Throws where it is neither a unit nor the name of a period. */
export function readPeriod(field: string, name: string, nowUs: number, zone: string): Period {
  const unit = units.find((each) => each === name);
  if (unit) return periodOf(unit, zoned(nowUs, zone).toPlainDate(), zone);
  for (const [kind, pattern] of patterns) {
    const found = pattern.exec(name);
    const first = found && firstDay(kind, found.slice(1).map(Number));
    if (first) return periodOf(kind, first, zone);
  }
  const reason = `is ${JSON.stringify(name)}, none of day, week, month, quarter, year, 2026-11-25, 2026-W48, 2026-11, 2026-Q4 or 2026`;
  throw new ServiceError('invalid', `${field} ${reason}`, { field });
}

const patterns: readonly [CalendarUnit, RegExp][] = [
  ['day', /^(\d{4})-(\d{2})-(\d{2})$/],
  ['week', /^(\d{4})-W(\d{2})$/],
  ['month', /^(\d{4})-(\d{2})$/],
  ['quarter', /^(\d{4})-Q([1-4])$/],
  ['year', /^(\d{4})$/],
];
const [yearMin, yearMax] = [1701, 2248];

/** Undefined where there is no such day. */
function firstDay(unit: CalendarUnit, numbers: number[]): Temporal.PlainDate | undefined {
  const [year = 0, part = 1, day = 1] = numbers;
  if (year < yearMin || year > yearMax) return undefined;
  try {
    if (unit === 'week') return weekOf(year, part);
    const month = unit === 'quarter' ? part * 3 - 2 : part;
    return Temporal.PlainDate.from({ year, month, day }, { overflow: 'reject' });
  } catch {
    return undefined;
  }
}

/** ISO 8601: the first week of a year has the fourth of January. */
function weekOf(year: number, week: number): Temporal.PlainDate | undefined {
  const first = startOf('week', Temporal.PlainDate.from({ year, month: 1, day: 4 }));
  const monday = first.add({ weeks: week - 1 });
  return monday.yearOfWeek === year && monday.weekOfYear === week ? monday : undefined;
}

function periodOf(unit: CalendarUnit, date: Temporal.PlainDate, zone: string): Period {
  const start = startOf(unit, date);
  const step = unit === 'quarter' ? { months: 3 } : { [`${unit}s`]: 1 };
  return {
    unit,
    startUs: startOfDate(start, zone),
    endUs: startOfDate(start.add(step), zone),
    beforeUs: startOfDate(start.subtract(step), zone),
  };
}

function startOf(unit: CalendarUnit, date: Temporal.PlainDate): Temporal.PlainDate {
  switch (unit) {
    case 'day':
      return date;
    case 'week':
      return date.subtract({ days: date.dayOfWeek - 1 });
    case 'month':
      return date.with({ day: 1 });
    case 'quarter':
      return date.with({ month: date.month - ((date.month - 1) % 3), day: 1 });
    case 'year':
      return date.with({ month: 1, day: 1 });
  }
}

/** The same time of the calendar in the period before, by days and the clock, at most its end. */
export function inPeriodBefore({ startUs, beforeUs }: Period, us: number, zone: string): number {
  const passed = zoned(startUs, zone).until(zoned(us, zone), { largestUnit: 'days' });
  return Math.min(startUs, usOfZoned(zoned(beforeUs, zone).add(passed)));
}
