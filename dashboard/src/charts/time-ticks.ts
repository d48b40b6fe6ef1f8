import { midnight, offsetAt } from '../state/zone.ts';
import { clock, clockSeconds, day, weekday } from '../times.ts';
import type { Tick } from './model.ts';

const second = 1000;
const minute = 60 * second;
const hour = 60 * minute;
const steps = [
  ...[1, 5, 15, 30].map((each) => each * second),
  ...[1, 2, 5, 15, 30].map((each) => each * minute),
  ...[1, 2, 3, 6, 12].map((each) => each * hour),
];
const daySteps = [1, 2, 7, 14, 28];
/** Of one label and the room around it. */
const labelWidth = 72;

/** Times of the chosen zone that are round there, as many as there is room for. */
export function timeTicks(from: number, to: number, width: number): Tick[] {
  const count = Math.max(1, Math.floor(width / labelWidth));
  const least = (to - from) / count;
  const step = steps.find((each) => each >= least);
  return step === undefined ? dayTicks(from, to, least) : clockTicks(from, to, step);
}

function clockTicks(from: number, to: number, step: number): Tick[] {
  const ticks: Tick[] = [];
  const offset = offsetAt(from);
  for (let at = Math.ceil((from + offset) / step) * step - offset; at <= to; at += step) {
    // Where the clocks have changed meanwhile.
    const moved = at + offset - offsetAt(at);
    const isMidnight = midnight(moved) === moved;
    const label = step < minute ? clockSeconds(moved) : isMidnight ? day(moved) : clock(moved);
    if (moved >= from && moved <= to) ticks.push({ at: moved, label });
  }
  return ticks;
}

function dayTicks(from: number, to: number, least: number): Tick[] {
  const step = daySteps.find((days) => days * 24 * hour >= least) ?? 56;
  const isWeek = to - from <= 10 * 24 * hour;
  const ticks: Tick[] = [];
  for (let at = midnight(from, 1); at <= to; at = midnight(at + 12 * hour, step)) {
    ticks.push({ at, label: isWeek ? weekday(at) : day(at) });
  }
  return ticks;
}

/** How a moment is named beside others of a range. */
export const headOfTime = (from: number, to: number) => (at: number) =>
  to - from <= 26 * hour ? clockSeconds(at) : `${day(at)}, ${clock(at)}`;
