import type { Statistics } from '../../../gen/typescript/gravitas/telemetry/v1/answer_pb.js';
import type {
  TimePoint,
  TimeSeries,
} from '../../../gen/typescript/gravitas/telemetry/v1/time_series_pb.js';
import { msOf } from '../api/ask.ts';
import { away } from '../api/reach.ts';
import type { ChartModel, Series } from './model.ts';
import { headOfTime, timeTicks } from './time-ticks.ts';

/** What two times bound, of the last of which not all has come yet. */
interface Part {
  readonly startTime?: TimePoint['startTime'];
  readonly endTime?: TimePoint['endTime'];
}

/** Of a part that has hardly begun a rate says nothing. */
const begunShare = 0.5;

/** Seconds of a part up to now; undefined where it has hardly begun. */
function secondsOf({ startTime, endTime }: Part, now = Date.now()): number | undefined {
  const [from, to] = [msOf(startTime) ?? 0, msOf(endTime) ?? 0];
  const passed = Math.min(to, now) - from;
  return passed < begunShare * (to - from) ? undefined : passed / 1000;
}

export const startOf = ({ startTime }: Part): number => msOf(startTime) ?? 0;

/** A number of each point of a series; null where there was nothing. */
export const valuesOf = (
  { points }: TimeSeries,
  of: (statistics: Statistics) => number | undefined,
): (number | null)[] =>
  points.map((point) => {
    const { statistics } = point;
    const isTelling = statistics && statistics.count > 0n && secondsOf(point) !== undefined;
    return isTelling ? (of(statistics) ?? null) : null;
  });

/** A number a second of each part; null for one that has hardly begun. */
export const ratesOf = <P extends Part>(
  parts: readonly P[],
  of: (part: P) => number | bigint,
): (number | null)[] =>
  parts.map((part) => {
    const seconds = secondsOf(part);
    return seconds === undefined ? null : Number(of(part)) / seconds;
  });

interface TimeModel extends Pick<ChartModel, 'unit' | 'show'> {
  readonly parts: readonly Part[];
  readonly series: readonly Series[];
}

/** What ended so long before the last answer was not about now. */
const liveMs = 120_000;

/** Times as places; of what goes on, those without an answer are hatched while the collector is away. */
export function timeAxis(places: readonly number[], endedAt: number) {
  const [from = 0, last = 0] = [places[0], places.at(-1)];
  const { since } = away.value ?? {};
  const isHatched = since !== undefined && endedAt > since - liveMs;
  const to = isHatched ? Math.max(last, Date.now()) : last;
  return {
    places,
    head: headOfTime(from, to),
    ticks: (width: number) => timeTicks(from, to, width),
    ...(isHatched && { hatchedFrom: since, span: [from, to] as const }),
  };
}

/** A drawing over time; undefined where there is nothing in it. */
export function timeModel(
  given: TimeModel & Partial<Pick<ChartModel, 'isArea' | 'max' | 'marks' | 'axis' | 'bridged'>>,
): ChartModel | undefined {
  const { parts, series, ...rest } = given;
  const isEmpty = series.every(({ values }) => values.every((value) => value === null));
  if (isEmpty) return undefined;
  const endedAt = msOf(parts.at(-1)?.endTime) ?? 0;
  return { ...rest, kind: 'lines', series, ...timeAxis(parts.map(startOf), endedAt) };
}

/** The quantiles of one series: ordered, so not in colours of categories. */
export function quantileSeries(
  series: TimeSeries,
  names: readonly ('p50' | 'p95' | 'p99')[],
): Series[] {
  const colours = { p50: 's1', p95: 'ink-2', p99: 'ink-3' } as const;
  return names.map((name) => ({
    name,
    colour: colours[name],
    values: valuesOf(series, (statistics) => statistics[name]),
  }));
}
