import type { StatisticsGroup } from '../../../../gen/typescript/gravitas/telemetry/v1/query_pb.js';
import type {
  GetTimeSeriesResponse,
  TimeSeries,
} from '../../../../gen/typescript/gravitas/telemetry/v1/time_series_pb.js';
import { type Answer, useAnswer } from '../../api/answer.ts';
import { rangeKey, rangeOf, refreshMsOf } from '../../api/ask.ts';
import { query } from '../../api/client.ts';
import { timeOf } from '../../api/events.ts';
import { valuesOf } from '../../charts/over-time.ts';
import { CellSparkline } from '../../charts/small.tsx';
import { ago, amount, fixed, nothing } from '../../format.ts';
import { CsvButton } from '../../parts/csv-button.tsx';
import { LastOne } from '../../parts/last-one.tsx';
import { Answered, Blank, Panel } from '../../parts/panel.tsx';
import { EventStatus } from '../../parts/status.tsx';
import { type Column, Table } from '../../parts/table.tsx';
import { hrefOf } from '../../state/address.ts';
import { rangeAt, rangeWords } from '../../state/range.ts';
import { iso } from '../../times.ts';

const decimal = fixed(1);
/** For a card of a phone. */
const tooWide = 1e7;
const shown = (value: number | undefined) => {
  if (value === undefined) return nothing;
  return value < tooWide ? decimal(value) : amount(value);
};

const ExploreModel = ({ component }: { component: string | undefined }) => (
  <a href={hrefOf('explore', { type: 'THOUGHT_LATENCY', ...(component && { component }) })}>
    {component ?? 'none'}
  </a>
);

const latencyColumns: readonly Column<TimeSeries>[] = [
  {
    label: 'Model',
    value: ({ group }) => group.component ?? '',
    show: ({ group }) => <ExploreModel component={group.component} />,
  },
  ...(['p50', 'p95'] as const).map((name) => ({
    label: name,
    unit: 'ms',
    isNumeric: true,
    value: ({ total }: TimeSeries) => total?.[name],
    show: ({ total }: TimeSeries) => shown(total?.[name]),
  })),
  {
    label: 'Speed',
    unit: 'tokens/s',
    isNumeric: true,
    value: ({ total }) => (total?.p50 ? 1000 / total.p50 : undefined),
    show: ({ total }) => shown(total?.p50 ? 1000 / total.p50 : undefined),
  },
  {
    label: 'p50 over time',
    value: () => undefined,
    show: (series) => <CellSparkline values={valuesOf(series, ({ p50 }) => p50)} />,
    isFull: true,
    isWideOnly: true,
    isShownOnly: true,
  },
];

export function LatencyByModel() {
  const answer: Answer<GetTimeSeriesResponse> = useAnswer(
    `thought ${rangeKey()}`,
    (signal) =>
      query.getTimeSeries(
        {
          range: rangeOf(rangeAt(Date.now())),
          filter: { eventTypes: ['THOUGHT_LATENCY'] },
          groupBy: ['component'],
          limit: 8,
        },
        { signal },
      ),
    refreshMsOf(),
  );
  const rows = answer.value?.series ?? [];
  return (
    <Panel
      title="Latency per token by model"
      subtitle={`ms for one generated token ${rangeWords()}; most used first`}
      size="c6"
      tools={<CsvButton name="Latency per token by model" columns={latencyColumns} rows={rows} />}
    >
      <Answered answer={answer} height={216}>
        {({ series }) =>
          series.length === 0 ? (
            <Blank title={`No THOUGHT_LATENCY ${rangeWords()}`} height={216}>
              <LastOne type="THOUGHT_LATENCY" />
            </Blank>
          ) : (
            <Table label="Latency per token by model" columns={latencyColumns} rows={series} />
          )
        }
      </Answered>
    </Panel>
  );
}

interface Load {
  readonly model: string;
  readonly group: StatisticsGroup;
  readonly last:
    | { readonly at: number; readonly value: number | undefined; readonly status: string }
    | undefined;
}

const loadColumns: readonly Column<Load>[] = [
  { label: 'Model', value: ({ model }) => model },
  {
    label: 'Loads',
    isNumeric: true,
    value: ({ group }) => Number(group.statistics?.count ?? 0n),
  },
  {
    label: 'Last',
    unit: 's',
    isNumeric: true,
    value: ({ last }) => last?.value,
    show: ({ last }) => shown(last?.value),
  },
  ...(['p50', 'p95'] as const).map((name) => ({
    label: name,
    unit: 's',
    isNumeric: true,
    value: ({ group }: Load) => group.statistics?.[name],
    show: ({ group }: Load) => shown(group.statistics?.[name]),
  })),
  {
    label: 'When',
    isNumeric: true,
    value: ({ last }) => last && iso(last.at),
    show: ({ last }) => (last ? ago(Date.now() - last.at) : nothing),
  },
  {
    label: 'Result',
    value: ({ last }) => last?.status,
    show: ({ last }) => (last ? <EventStatus status={last.status} /> : nothing),
  },
];

export function ModelLoads() {
  const answer: Answer<readonly Load[]> = useAnswer(
    `loads ${rangeKey()}`,
    async (signal) => {
      const range = rangeOf(rangeAt(Date.now()));
      const filter = { eventTypes: ['LOAD_LATENCY'] };
      const [{ groups }, { events }] = await Promise.all([
        query.getStats({ range, filter, groupBy: ['component'], limit: 8 }, { signal }),
        query.listEvents({ range, filter, pageSize: 200 }, { signal }),
      ]);
      return groups.map((group) => {
        const model = group.group.component ?? '';
        const newest = events.find(({ component }) => component === model);
        const last = newest && { at: timeOf(newest), value: newest.value, status: newest.status };
        return { model: model || 'none', group, last };
      });
    },
    refreshMsOf(),
  );
  return (
    <Panel
      title="Model loads"
      subtitle={`s to load ${rangeWords()}`}
      size="c6"
      tools={<CsvButton name="Model loads" columns={loadColumns} rows={answer.value ?? []} />}
    >
      <Answered answer={answer} height={216}>
        {(loads) =>
          loads.length === 0 ? (
            <Blank title={`No LOAD_LATENCY ${rangeWords()}`} height={216}>
              <LastOne type="LOAD_LATENCY" />
            </Blank>
          ) : (
            <Table label="Model loads" columns={loadColumns} rows={loads} />
          )
        }
      </Answered>
    </Panel>
  );
}
