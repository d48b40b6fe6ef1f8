import type { Histogram } from '../../../../gen/typescript/gravitas/telemetry/v1/answer_pb.js';
import type { GetStatsResponse } from '../../../../gen/typescript/gravitas/telemetry/v1/query_pb.js';
import type { Answer } from '../../api/answer.ts';
import { showPlain, unitOf } from '../../api/events.ts';
import { ChartPanel } from '../../charts/chart-panel.tsx';
import { type ChartModel, roundBetween } from '../../charts/model.ts';
import { quantileSeries, timeModel } from '../../charts/over-time.ts';
import { amount, integer, percent } from '../../format.ts';
import { LastOne } from '../../parts/last-one.tsx';
import type { EventFilters } from '../../state/filters.ts';
import { rangeWords } from '../../state/range.ts';
import { useOverTime } from './questions.ts';

export function OverTime({ filters }: { filters: EventFilters }) {
  const { type } = filters;
  const answer = useOverTime(filters);
  const { head, words } = unitOf(type);
  return (
    <ChartPanel
      title={`${type || 'Values'} over time`}
      subtitle={words}
      size="c8"
      height={232}
      answer={answer}
      emptyTitle={`No ${type} with a value ${rangeWords()}`}
      empty={<LastOne type={type} />}
      modelOf={({ series: [all] }) =>
        all &&
        timeModel({
          parts: all.points,
          series: quantileSeries(all, ['p99', 'p95', 'p50']),
          unit: head,
          show: (value) => showPlain(type, value),
          axis: amount,
        })
      }
    />
  );
}

export function Distribution(props: { filters: EventFilters; answer: Answer<GetStatsResponse> }) {
  const { type } = props.filters;
  const { words } = unitOf(type);
  const { value } = props.answer;
  const above = Number(value?.histogram?.above ?? 0n);
  const values = Number(value?.total?.values ?? 0n);
  const last = value?.histogram?.buckets.at(-1)?.to;
  return (
    <ChartPanel
      title="Distribution"
      subtitle={`events by ${words}${above > 0 && last !== undefined ? `; ${percent(above / values)} above ${showPlain(type, last)}` : ''}`}
      size="c4"
      height={232}
      answer={props.answer}
      placeLabel="Values"
      emptyTitle={`No ${type} with a value ${rangeWords()}`}
      empty={<span>Events without a number are counted, not spread.</span>}
      legend={({ total }) => (
        <div class="legend">
          {(['p50', 'p95', 'p99'] as const).map((name) => (
            <span key={name}>
              {name} <b>{showPlain(type, total?.[name])}</b>
            </span>
          ))}
        </div>
      )}
      modelOf={(stats) => stats.histogram && histogramModel(type, stats.histogram, stats)}
    />
  );
}

function histogramModel(
  type: string,
  { buckets }: Histogram,
  { total }: GetStatsResponse,
): ChartModel | undefined {
  const [first, last] = [buckets[0], buckets.at(-1)];
  if (!first || !last) return undefined;
  const width = first.to - first.from || 1;
  const placeOf = (value: number) => (value - first.from) / width - 0.5;
  const quantiles = (['p50', 'p95', 'p99'] as const).flatMap((name) => {
    const value = total?.[name];
    return value === undefined ? [] : [{ at: placeOf(value), label: name }];
  });
  return {
    kind: 'bars',
    places: buckets.map((_, at) => at),
    series: [{ name: 'Events', colour: 's1', values: buckets.map(({ count }) => Number(count)) }],
    unit: '',
    show: integer,
    head: (at) => {
      const { from = 0, to = 0 } = buckets[at] ?? {};
      return `${amount(from)} to ${showPlain(type, to)}`;
    },
    ticks: (pixels) =>
      roundBetween(first.from, last.to, pixels / 64).map((value, at, { length }) => ({
        at: placeOf(value),
        label: at === length - 1 ? showPlain(type, value) : amount(value),
      })),
    columns: quantiles,
  };
}
