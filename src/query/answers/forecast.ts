import type { MessageInitShape } from '@bufbuild/protobuf';
import type { ForecastSchema } from '../../../gen/typescript/gravitas/telemetry/v1/answer_pb.js';

/** What came on one day of the calendar, which has ended. */
export interface Day {
  /** 1 for Monday to 7. */
  readonly weekday: number;
  readonly amount: number;
}

/** A day that has not ended: how much of it is to come, from 0 to 1. */
export interface ComingDay {
  readonly weekday: number;
  readonly share: number;
}

/** What it comes to in the end, and what of it each day is to bring. */
export interface Foreseen {
  readonly all: MessageInitShape<typeof ForecastSchema>;
  readonly byDay: readonly number[];
}

/** Of a normal distribution, four of five lie within so many standard deviations. */
const deviations = 1.2816;
const daysForWeekdays = 14;

/** In words, for people. */
export const methodOf = (days: number): string =>
  days >= daysForWeekdays
    ? `so far, and for each day to come the mean of its weekday over the last ${days} days; the range has four of five outcomes if days differ as they did`
    : `so far, and for each day to come the mean of the last ${days} days; the range has four of five outcomes if days differ as they did`;

/** Undefined where no day has ended yet. */
export function forecast(
  soFar: number,
  days: readonly Day[],
  coming: readonly ComingDay[],
): Foreseen | undefined {
  if (days.length === 0) return undefined;
  const all = mean(days.map(({ amount }) => amount));
  const byWeekday = (weekday: number): number => {
    const same = days.filter((day) => day.weekday === weekday);
    return days.length >= daysForWeekdays && same.length > 0
      ? mean(same.map(({ amount }) => amount))
      : all;
  };
  const byDay = coming.map(({ share, weekday }) => share * byWeekday(weekday));
  const squares = days.map(({ weekday, amount }) => (amount - byWeekday(weekday)) ** 2);
  const groups = days.length >= daysForWeekdays ? 7 : 1;
  const variance = sum(squares) / Math.max(1, days.length - groups);
  // Each day to come differs from its mean, and the mean itself is known by so many days only.
  const length = sum(coming.map(({ share }) => share));
  const spread = Math.sqrt(
    variance * (sum(coming.map(({ share }) => share ** 2)) + length ** 2 / days.length),
  );
  const value = soFar + sum(byDay);
  const [low, high] = [value - deviations * spread, value + deviations * spread];
  return { all: { value, low: Math.max(soFar, low), high }, byDay };
}

const sum = (numbers: readonly number[]): number =>
  numbers.reduce((total, each) => total + each, 0);
const mean = (numbers: readonly number[]): number => sum(numbers) / numbers.length;
