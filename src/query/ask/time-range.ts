import type { Timestamp } from '@bufbuild/protobuf/wkt';
import type { TimeRange } from '../../../gen/typescript/gravitas/telemetry/v1/question_pb.js';
import { ServiceError } from '../../errors.ts';
import { hourMs } from '../../units.ts';
import { inPeriodBefore, type Period, readPeriod, readZone } from './calendar.ts';
import { readInstant, usOfMs } from './instants.ts';
import type { Notes } from './notes.ts';

/** From when to when, in microseconds since 1970. */
export interface Span {
  /** Not before; undefined: without beginning. */
  readonly startUs: number | undefined;
  /** Before; undefined: without end. */
  readonly endUs: number | undefined;
}

export interface Range extends Span {
  readonly zone: string;
  readonly period: Period | undefined;
  /** From its beginning to its end, or to now; undefined: without beginning. */
  readonly hours: number | undefined;
  /** Whether it begins so many hours ago, and not at a time that was named. */
  readonly isRelative: boolean;
}

/** How a request says its range; the fields that are not in `range` are those of older requests. */
export interface AskedRange {
  readonly range?: TimeRange | undefined;
  readonly hours?: number;
  readonly startTime?: Timestamp | undefined;
  readonly endTime?: Timestamp | undefined;
}

export const hoursMax = 24 * 366 * 10;

/** `hoursDefault`: where nothing says when it begins; undefined for without beginning. */
export function readRange(
  asked: AskedRange,
  nowUs: number,
  notes: Notes,
  hoursDefault?: number,
): Range {
  const { range } = asked;
  const zone = readZone('time_zone', range?.timeZone ?? '');
  const hours = notes.within('hours', hoursOf(asked), hoursMax);
  const start = latest(
    readInstant('start_time', range?.startTime),
    readInstant('start_time', asked.startTime),
  );
  const end = earliest(
    readInstant('end_time', range?.endTime),
    readInstant('end_time', asked.endTime),
  );
  if (range?.period) {
    if (hours || start !== undefined || end !== undefined) {
      throw invalid('period', 'goes without hours, start_time and end_time');
    }
    const period = readPeriod('period', range.period, nowUs, zone);
    const passed = hoursBetween(period.startUs, Math.min(nowUs, period.endUs));
    return {
      ...{ startUs: period.startUs, endUs: period.endUs, zone, period },
      ...{ hours: passed, isRelative: false },
    };
  }
  if (start !== undefined && end !== undefined && end < start) {
    throw invalid('end_time', 'is before start_time');
  }
  const back = hours || (start === undefined ? hoursDefault : undefined);
  const since =
    back === undefined ? undefined : Math.round((end ?? nowUs) - back * hourMs * usOfMs);
  const startUs = latest(start, since);
  const isRelative = startUs === since;
  const length = isRelative ? back : startUs && hoursBetween(startUs, end ?? nowUs);
  return { startUs, endUs: end, zone, period: undefined, hours: length, isRelative };
}

/** 0: not given. NaN is, and wrong. */
const hoursOf = ({ range, hours = 0 }: AskedRange): number =>
  range && range.hours !== 0 ? range.hours : hours;

const hoursBetween = (startUs: number, endUs: number): number =>
  Math.max(0, (endUs - startUs) / (hourMs * usOfMs));

/** As long a time before, or the same part of the period of the calendar before. */
export function spanBefore(range: Range, nowUs: number): { startUs: number; endUs: number } {
  const { startUs = nowUs, endUs, period, zone } = range;
  const until = Math.min(endUs ?? nowUs, nowUs);
  if (period) {
    const whole = until === endUs || until < startUs;
    const same = whole ? startUs : inPeriodBefore(period, until, zone);
    return { startUs: period.beforeUs, endUs: same };
  }
  const length = Math.max(0, (endUs ?? nowUs) - startUs);
  return { startUs: startUs - length, endUs: startUs };
}

const latest = (a: number | undefined, b: number | undefined): number | undefined =>
  a === undefined || b === undefined ? (a ?? b) : Math.max(a, b);

const earliest = (a: number | undefined, b: number | undefined): number | undefined =>
  a === undefined || b === undefined ? (a ?? b) : Math.min(a, b);

const invalid = (field: string, reason: string) =>
  new ServiceError('invalid', `${field} ${reason}`, { field });
