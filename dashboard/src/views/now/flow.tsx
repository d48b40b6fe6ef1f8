import type {
  GetStatsResponse,
  GetUsageSummaryResponse,
} from '../../../../gen/typescript/gravitas/telemetry/v1/query_pb.js';
import type { GetTimeSeriesResponse } from '../../../../gen/typescript/gravitas/telemetry/v1/time_series_pb.js';
import { type Answer, useAnswer } from '../../api/answer.ts';
import { rangeKey, rangeOf, refreshMsOf } from '../../api/ask.ts';
import { query } from '../../api/client.ts';
import { colourFor, namedMax } from '../../charts/categories.ts';
import { ChartPanel } from '../../charts/chart-panel.tsx';
import type { Series } from '../../charts/model.ts';
import { ratesOf, timeModel } from '../../charts/over-time.ts';
import { amount, fixed, narrow } from '../../format.ts';
import { rangeAt, rangeWords } from '../../state/range.ts';

/** What Now asks for, beside its cards and models. */
export interface Flow {
  readonly series: GetTimeSeriesResponse;
  /** With the time before. */
  readonly stats: GetStatsResponse;
}

export const useFlow = (): Answer<Flow> =>
  useAnswer(
    `flow ${rangeKey()}`,
    async (signal) => {
      const range = rangeOf(rangeAt(Date.now()));
      const [series, stats] = await Promise.all([
        query.getTimeSeries({ range, groupBy: ['event_type'], limit: namedMax }, { signal }),
        query.getStats({ range, filter: {}, compareBefore: true }, { signal }),
      ]);
      return { series, stats };
    },
    refreshMsOf(),
  );

export const useTokens = (): Answer<GetUsageSummaryResponse> =>
  useAnswer(
    `tokens ${rangeKey()}`,
    (signal) =>
      query.getUsageSummary(
        {
          range: rangeOf(rangeAt(Date.now())),
          // Told apart by one dimension, which is far cheaper than by the usual two.
          groupBy: ['layer'],
          width: 'auto',
          compareBefore: true,
        },
        { signal },
      ),
    refreshMsOf(),
  );

/** Parts of a series of all types, with what all together had. */
export function allTogether({ series }: Flow) {
  const every = series.rest ? [...series.series, series.rest] : series.series;
  return (every[0]?.points ?? []).map(({ startTime, endTime }, at) => {
    let [count, notOk] = [0, 0];
    for (const { points } of every) {
      count += Number(points[at]?.statistics?.count ?? 0);
      notOk += Number(points[at]?.statistics?.notOk ?? 0);
    }
    return { ...(startTime && { startTime }), ...(endTime && { endTime }), count, notOk };
  });
}

const perSecond = (value: number) => `${amount(value)}${narrow}/s`;
const errorShare = fixed(2);

export const EventsByType = ({ flow }: { flow: Answer<Flow> }) => (
  <ChartPanel
    title="Events by type"
    subtitle="events/s"
    size="c8 w8"
    height={192}
    answer={flow}
    emptyTitle={`No events ${rangeWords()}`}
    empty={<span>A longer range may have some.</span>}
    modelOf={({ series: { series, rest } }) => {
      const named: Series[] = series.map(({ group, points }) => ({
        name: group.event_type ?? 'none',
        colour: colourFor('type', group.event_type ?? ''),
        values: ratesOf(points, ({ statistics }) => statistics?.count ?? 0n),
      }));
      const others: Series[] = rest
        ? [
            {
              name: 'other',
              colour: 's-other',
              values: ratesOf(rest.points, ({ statistics }) => statistics?.count ?? 0n),
            },
          ]
        : [];
      return timeModel({
        parts: series[0]?.points ?? [],
        series: [...named, ...others],
        unit: '/s',
        show: perSecond,
      });
    }}
  />
);

export const Errors = ({ flow }: { flow: Answer<Flow> }) => (
  <ChartPanel
    title="Errors"
    subtitle="% of events that are not OK"
    size="c4 w4"
    height={136}
    answer={flow}
    emptyTitle={`No events ${rangeWords()}`}
    empty={<span>A longer range may have some.</span>}
    modelOf={(value) => {
      const parts = allTogether(value);
      const values = parts.map(({ count, notOk }) => (count > 0 ? (100 * notOk) / count : null));
      return timeModel({
        parts,
        series: [{ name: 'Errors', colour: 's1', values }],
        unit: '%',
        isArea: true,
        show: (share) => `${errorShare(share)}${narrow}%`,
      });
    }}
  />
);

/** Reading a prompt and writing an answer are of unlike speed: a drawing each. */
export const TokenRate = (props: {
  title: string;
  subtitle: string;
  tokens: Answer<GetUsageSummaryResponse>;
  field: 'inputTokens' | 'outputTokens';
}) => (
  <ChartPanel
    title={props.title}
    subtitle={props.subtitle}
    size="m6 c6 w3"
    height={136}
    answer={props.tokens}
    emptyTitle={`No model calls ${rangeWords()}`}
    empty={<span>log_usage() sends them.</span>}
    modelOf={({ periods, total }) =>
      total && total.requests > 0n
        ? timeModel({
            parts: periods,
            series: [
              {
                name: props.title,
                colour: 's1',
                values: ratesOf(periods, ({ totals }) => totals?.[props.field] ?? 0n),
              },
            ],
            unit: '/s',
            isArea: true,
            show: perSecond,
          })
        : undefined
    }
  />
);

export const shareOf = (part: bigint | undefined, whole: bigint | undefined) =>
  whole ? Number(part ?? 0n) / Number(whole) : undefined;
