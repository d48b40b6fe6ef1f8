import { useMemo } from 'preact/hooks';
import type {
  GetStatsResponse,
  StatisticsGroup,
} from '../../../../gen/typescript/gravitas/telemetry/v1/query_pb.js';
import type { GetTimeSeriesResponse } from '../../../../gen/typescript/gravitas/telemetry/v1/time_series_pb.js';
import type { Answer } from '../../api/answer.ts';
import { showBare, unitOf } from '../../api/events.ts';
import { valuesOf } from '../../charts/over-time.ts';
import { CellSparkline } from '../../charts/small.tsx';
import { fixed, integer } from '../../format.ts';
import { CsvButton } from '../../parts/csv-button.tsx';
import { Answered, Blank, Panel } from '../../parts/panel.tsx';
import { type Column, Table } from '../../parts/table.tsx';
import { hrefWith } from '../../state/address.ts';
import { type EventFilters, none } from '../../state/filters.ts';
import { rangeWords } from '../../state/range.ts';
import { useTrends } from './questions.ts';

const share = fixed(2);
const notOk = ({ statistics }: StatisticsGroup) =>
  statistics?.count ? (100 * Number(statistics.notOk)) / Number(statistics.count) : undefined;

const OnlyThis = ({ component }: { component: string | undefined }) => (
  <a href={hrefWith({ component: component ?? none, id: undefined })}>{component ?? 'none'}</a>
);

function columnsOf(
  type: string,
  trends: GetTimeSeriesResponse | undefined,
): Column<StatisticsGroup>[] {
  const { head } = unitOf(type);
  const quantile = (
    label: string,
    name: 'p50' | 'p95' | 'p99' | 'max',
  ): Column<StatisticsGroup> => ({
    label,
    unit: head,
    isNumeric: true,
    value: ({ statistics }) => statistics?.[name],
    show: ({ statistics }) => showBare(statistics?.[name]),
  });
  return [
    {
      label: 'Component',
      value: ({ group }) => group.component ?? '',
      show: ({ group }) => <OnlyThis component={group.component} />,
    },
    {
      label: 'Count',
      isNumeric: true,
      value: ({ statistics }) => Number(statistics?.count ?? 0n),
      show: ({ statistics }) => integer(Number(statistics?.count ?? 0n)),
    },
    quantile('p50', 'p50'),
    quantile('p95', 'p95'),
    quantile('p99', 'p99'),
    quantile('Max', 'max'),
    {
      label: 'Not OK',
      unit: '%',
      isNumeric: true,
      value: notOk,
      show: (row) => share(notOk(row) ?? 0),
    },
    {
      label: 'p50 over time',
      value: () => undefined,
      show: ({ group }) => {
        const found = trends?.series.find((each) => each.group.component === group.component);
        return found && <CellSparkline values={valuesOf(found, ({ p50 }) => p50)} />;
      },
      isFull: true,
      isWideOnly: true,
      isShownOnly: true,
    },
  ];
}

export function ByComponent(props: { filters: EventFilters; answer: Answer<GetStatsResponse> }) {
  const { filters, answer } = props;
  const trends = useTrends(filters);
  const { type } = filters;
  const columns = useMemo(() => columnsOf(type, trends.value), [type, trends.value]);
  const rows = answer.value?.groups ?? [];
  const more = answer.value?.restGroups ?? 0;
  return (
    <Panel
      title="By component"
      subtitle={unitOf(filters.type).words}
      size="c8"
      tools={<CsvButton name={`${filters.type} by component`} columns={columns} rows={rows} />}
    >
      <Answered answer={answer} height={200}>
        {() =>
          rows.length === 0 ? (
            <Blank title={`No ${filters.type} ${rangeWords()}`} height={200} />
          ) : (
            <>
              <Table
                label="By component"
                columns={columns}
                rows={rows}
                sortedBy="sort"
                sortedFirst="Count"
              />
              {more > 0 && <p class="panel-foot">{integer(more)} more have fewer events.</p>}
            </>
          )
        }
      </Answered>
    </Panel>
  );
}
