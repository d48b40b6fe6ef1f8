import type { GetServiceResponse } from '../../../../gen/typescript/gravitas/telemetry/v1/collectors_pb.js';
import type { GetTimeSeriesResponse } from '../../../../gen/typescript/gravitas/telemetry/v1/time_series_pb.js';
import { type Answer, useAnswer } from '../../api/answer.ts';
import { msOf, rangeKey, rangeOf, refreshMsOf } from '../../api/ask.ts';
import { query } from '../../api/client.ts';
import { ChartPanel } from '../../charts/chart-panel.tsx';
import type { ChartModel, Series } from '../../charts/model.ts';
import { ratesOf, timeAxis, timeModel } from '../../charts/over-time.ts';
import { amount, milliseconds, narrow } from '../../format.ts';
import { rangeAt, rangeName } from '../../state/range.ts';

const minuteMs = 60_000;

/** What collectors themselves remember: of a longer range only the newest hour. */
const isRemembered = () => ['15m', '1h'].includes(rangeName());

interface Minute {
  readonly stored: number;
  p50: number | null;
  p99: number | null;
}

/** Minutes of all collectors together; the slowest counts. */
function minutesOf({ collectors }: GetServiceResponse): [number, Minute][] {
  const { from } = rangeAt(Date.now());
  const minutes = new Map<number, Minute>();
  for (const { samples } of collectors) {
    for (const sample of samples) {
      const at = Math.floor((msOf(sample.time) ?? 0) / minuteMs) * minuteMs;
      if (isRemembered() && at < from) continue;
      const { stored = 0, p50 = null, p99 = null } = minutes.get(at) ?? {};
      minutes.set(at, {
        stored: stored + sample.storedPerSecond,
        p50: greater(p50, sample.ackP50Ms),
        p99: greater(p99, sample.ackP99Ms),
      });
    }
  }
  return [...minutes].toSorted(([a], [b]) => a - b);
}

const greater = (a: number | null, b: number | undefined): number | null =>
  b === undefined ? a : Math.max(a ?? b, b);

function minuteModel(
  service: GetServiceResponse,
  seriesOf: (minutes: readonly Minute[]) => Series[],
  rest: Pick<ChartModel, 'unit' | 'show' | 'isArea'>,
): ChartModel | undefined {
  const minutes = minutesOf(service);
  if (minutes.length < 2) return undefined;
  const places = minutes.map(([at]) => at);
  return {
    ...rest,
    kind: 'lines',
    series: seriesOf(minutes.map(([, minute]) => minute)),
    ...timeAxis(places, (places.at(-1) as number) + minuteMs),
  };
}

const perSecond = {
  unit: '/s',
  isArea: true,
  show: (value: number) => `${amount(value)}${narrow}/s`,
};
const young = <span>The collector notes one value a minute; it has hardly begun.</span>;

export function Stored({ service }: { service: Answer<GetServiceResponse> }) {
  const events: Answer<GetTimeSeriesResponse> = useAnswer(
    isRemembered() ? undefined : `stored ${rangeKey()}`,
    (signal) => query.getTimeSeries({ range: rangeOf(rangeAt(Date.now())) }, { signal }),
    refreshMsOf(),
  );
  if (!isRemembered()) {
    return (
      <ChartPanel
        title="Stored"
        subtitle="events/s, by their own time"
        size="m6 c4 w3"
        answer={events}
        emptyTitle="No events in this range"
        empty={undefined}
        modelOf={({ series: [all] }) =>
          all &&
          timeModel({
            parts: all.points,
            series: [
              {
                name: 'Stored',
                colour: 's1',
                values: ratesOf(all.points, ({ statistics }) => statistics?.count ?? 0n),
              },
            ],
            ...perSecond,
          })
        }
      />
    );
  }
  return (
    <ChartPanel
      title="Stored"
      subtitle="rows/s"
      size="m6 c4 w3"
      answer={service}
      emptyTitle="Nothing to draw yet"
      empty={young}
      modelOf={(value) =>
        minuteModel(
          value,
          (minutes) => [
            { name: 'Stored', colour: 's1', values: minutes.map(({ stored }) => stored) },
          ],
          perSecond,
        )
      }
    />
  );
}

export const AckTime = ({ service }: { service: Answer<GetServiceResponse> }) => (
  <ChartPanel
    title="Time to acknowledge"
    subtitle={`ms from receipt to durable; promised within 1 s${isRemembered() ? '' : '; the last hour is remembered'}`}
    size="m6 c4 w3"
    answer={service}
    emptyTitle="Nothing to draw yet"
    empty={young}
    modelOf={(value) =>
      minuteModel(
        value,
        (minutes) => [
          { name: 'p99', colour: 'ink-2', values: minutes.map(({ p99 }) => p99) },
          { name: 'p50', colour: 's1', values: minutes.map(({ p50 }) => p50) },
        ],
        { unit: 'ms', show: milliseconds },
      )
    }
  />
);
