import type {
  ForecastDay,
  GetUsageSummaryResponse,
} from '../../../../gen/typescript/gravitas/telemetry/v1/query_pb.js';
import type { Answer } from '../../api/answer.ts';
import { msOf } from '../../api/ask.ts';
import { colourFor, namedMax } from '../../charts/categories.ts';
import { ChartPanel } from '../../charts/chart-panel.tsx';
import type { ChartModel, Series } from '../../charts/model.ts';
import { startOf } from '../../charts/over-time.ts';
import { amount, dollars } from '../../format.ts';
import { monthBefore, periodAt, periodName } from '../../state/period.ts';
import { clock, date, day, dayOfMonth, month } from '../../times.ts';
import { cumulated } from './spend-tiles.tsx';

type Summary = Answer<GetUsageSummaryResponse>;

const axis = (value: number) => `$${value < 10 && value % 1 ? value.toFixed(2) : amount(value)}`;

/** What is to come of the month stands hatched upon what has come. */
export function SpendByDay({ answer, month }: { answer: Summary; month: Summary }) {
  const { words, inWords, width } = periodAt(Date.now());
  const { total, priceList, ownPrices } = answer.value ?? {};
  const coming = periodName() === 'month' ? month.value?.forecast?.coming : undefined;
  const each = { '1h': 'an hour', '1d': 'a day', '1mo': 'a month' }[width] ?? 'each';
  const prices = priceList && `prices as of ${priceList.date}, list ${priceList.version}`;
  const own = ownPrices && `own prices ${ownPrices.version}`;
  const sum = total?.costUsd !== undefined && `${dollars(total.costUsd)} ${words}`;
  return (
    <ChartPanel
      title="Spend by day and model"
      subtitle={[`$ ${each}`, sum, prices, own].filter(Boolean).join(' · ')}
      size="c8"
      height={232}
      answer={answer}
      placeLabel="Day"
      emptyTitle={`No priced calls ${inWords}`}
      empty={<span>log_usage() sends calls; a price list gives them their cost.</span>}
      also={coming}
      modelOf={(value) => spendModel(value, coming)}
    />
  );
}

function spendModel(
  { periods, groups, rest }: GetUsageSummaryResponse,
  coming: readonly ForecastDay[] = [],
): ChartModel | undefined {
  const priced = groups.filter(({ totals }) => (totals?.costUsd ?? 0) > 0);
  if (priced.length === 0 || periods.length === 0) return undefined;
  const now = Date.now();
  const named = priced.slice(0, namedMax);
  const series: Series[] = named.map(({ group, periods: own, totals }) => ({
    name: `${group.model ?? 'no model'} ${dollars(totals?.costUsd ?? 0)}`,
    colour: colourFor('model', group.model ?? ''),
    values: own.map((period) => (startOf(period) > now ? null : (period.totals?.costUsd ?? 0))),
  }));
  const others = periods.map(
    (period, at) =>
      (period.totals?.costUsd ?? 0) -
      series.reduce((sum, { values }) => sum + (values[at] ?? 0), 0),
  );
  if (priced.length > namedMax || rest?.costUsd) {
    series.push({
      name: 'other',
      colour: 's-other',
      values: others.map((value) => Math.max(0, value)),
    });
  }
  if (coming.some(({ costUsd }) => costUsd)) {
    const values = foreseenBy(periods, coming, now);
    series.push({ name: 'forecast', colour: 'ink-3', values, isForecast: true });
  }
  const starts = periods.map(startOf);
  const isHours = (starts[1] ?? Infinity) - (starts[0] ?? 0) < 20 * 3_600_000;
  const isMonth = periodName() === 'month';
  return {
    kind: 'bars',
    places: starts.map((_, at) => at),
    series,
    unit: '',
    axis,
    show: dollars,
    head: (at) => (isHours ? clock(starts[at] ?? 0) : date(starts[at] ?? 0)),
    ticks: (width) => {
      const every = Math.max(1, Math.ceil((starts.length * (isMonth ? 28 : 64)) / width));
      const label = (ms: number) => (isHours ? clock(ms) : isMonth ? dayOfMonth(ms) : day(ms));
      return starts.flatMap((ms, at) => (at % every === 0 ? [{ at, label: label(ms) }] : []));
    },
  };
}

/** What each period is yet to bring: the present one the rest of its day. */
function foreseenBy(
  periods: GetUsageSummaryResponse['periods'],
  coming: readonly ForecastDay[],
  now: number,
): (number | null)[] {
  const today = periods.findLastIndex((period) => startOf(period) <= now);
  return periods.map((_, at) => coming[at - today]?.costUsd ?? null);
}

/** Weekdays of two months differ: what has added up is compared in the place of single days. */
export function Cumulative({ answer }: { answer: Summary }) {
  const now = Date.now();
  return (
    <ChartPanel
      title={`${month(now)} against ${monthBefore(now)}`}
      subtitle="$ since the first of the month"
      size="c4"
      height={232}
      answer={answer}
      placeLabel="Day"
      emptyTitle="No priced calls in these months"
      empty={<span>The line begins with the first call that has a cost.</span>}
      modelOf={(value) => cumulativeModel(value, now)}
    />
  );
}

function cumulativeModel(
  { periods, before, forecast }: GetUsageSummaryResponse,
  now: number,
): ChartModel | undefined {
  const then = cumulated(before?.periods ?? []);
  const end = msOf(forecast?.endTime);
  const days = Math.max(periods.length, then.length, end ? daysTo(periods, end) : 0);
  const padded = (values: (number | null)[]) =>
    Array.from({ length: days }, (_, at) => values[at] ?? null);
  const sofar = padded(cumulated(periods, now));
  const today = sofar.findLastIndex((value) => value !== null);
  const last = sofar[today] ?? 0;
  if (!last && then.every((value) => !value)) return undefined;
  // The rest of today is added to tomorrow: the line goes on where the one so far ends.
  const { coming = [] } = forecast ?? {};
  const byDay = foreseenBy(periods, coming, now);
  const ahead = padded(
    byDay.map((_, at) => {
      const foreseen = byDay
        .slice(today, at + 1)
        .reduce<number>((sum, each) => sum + (each ?? 0), 0);
      return at < today ? null : last + (at === today ? 0 : foreseen);
    }),
  );
  const series: Series[] = [
    { name: 'So far', colour: 's1', values: sofar },
    { name: monthBefore(now), colour: 'ink-2', values: padded(then) },
  ];
  if (forecast?.costUsd && days - 1 > today) {
    series.push({ name: 'Forecast', colour: 's1', values: ahead, isForecast: true });
  }
  return {
    kind: 'lines',
    places: sofar.map((_, at) => at),
    series,
    unit: '',
    axis,
    show: dollars,
    head: (at) => `Day ${at + 1}`,
    ticks: (width) => {
      const every = width > 200 ? 7 : 14;
      const ticks = sofar.map((_, at) => ({ at, label: `Day ${at + 1}` }));
      return ticks.filter(({ at }) => at % every === every - 1 || at === 0);
    },
  };
}

const daysTo = (periods: GetUsageSummaryResponse['periods'], end: number): number => {
  const first = periods[0] && startOf(periods[0]);
  return first === undefined ? 0 : Math.round((end - first) / 86_400_000);
};
