import type { StatisticsGroup } from '../../../../gen/typescript/gravitas/telemetry/v1/query_pb.js';
import { fixed, integer, nothing } from '../../format.ts';
import { CsvButton } from '../../parts/csv-button.tsx';
import { Answered, Blank, Panel } from '../../parts/panel.tsx';
import { EventStatus } from '../../parts/status.tsx';
import { type Column, Table } from '../../parts/table.tsx';
import { hrefWith } from '../../state/address.ts';
import { type EventFilters, none } from '../../state/filters.ts';
import { rangeWords } from '../../state/range.ts';
import { useByStatus, useFailures } from './questions.ts';

const countOf = ({ statistics }: StatisticsGroup) => Number(statistics?.count ?? 0n);
const share = fixed(2);

const reasonColumns: readonly Column<StatisticsGroup>[] = [
  {
    label: 'Reason',
    value: ({ group }) => group['metadata.error'],
    show: ({ group }) => group['metadata.error'] ?? <EventStatus status={group.status ?? ''} />,
    doesWrap: true,
  },
  {
    label: 'Component',
    value: ({ group }) => group.component,
    show: ({ group }) => group.component ?? nothing,
  },
  { label: 'Events', isNumeric: true, value: countOf, show: (row) => integer(countOf(row)) },
];

const OnlyThis = ({ status }: { status: string | undefined }) => (
  <a href={hrefWith({ status: status ?? none, id: undefined })}>
    <EventStatus status={status ?? ''} />
  </a>
);

export function ByStatus({ filters }: { filters: EventFilters }) {
  const answer = useByStatus(filters);
  const total = Number(answer.value?.total?.count ?? 0n);
  const columns: readonly Column<StatisticsGroup>[] = [
    {
      label: 'Status',
      value: ({ group }) => group.status ?? '',
      show: ({ group }) => <OnlyThis status={group.status} />,
    },
    { label: 'Events', isNumeric: true, value: countOf, show: (row) => integer(countOf(row)) },
    {
      label: 'Share',
      unit: '%',
      isNumeric: true,
      value: (row) => (100 * countOf(row)) / (total || 1),
      show: (row) => share((100 * countOf(row)) / (total || 1)),
    },
  ];
  const rows = answer.value?.groups ?? [];
  return (
    <Panel
      title="By status"
      size="c4"
      tools={<CsvButton name={`${filters.type} by status`} columns={columns} rows={rows} />}
    >
      <Answered answer={answer} height={120}>
        {() =>
          rows.length === 0 ? (
            <Blank title={`No ${filters.type} ${rangeWords()}`} height={120} />
          ) : (
            <>
              <Table label="By status" columns={columns} rows={rows} isPlain />
              {(answer.value?.total?.notOk ?? 0n) > 0n && <Failures filters={filters} />}
            </>
          )
        }
      </Answered>
    </Panel>
  );
}

function Failures({ filters }: { filters: EventFilters }) {
  const answer = useFailures(filters);
  const rows = (answer.value?.groups ?? []).filter(
    ({ statistics }) => (statistics?.notOk ?? 0n) > 0n,
  );
  return (
    <>
      <div class="panel-head again">
        <h2>What failed</h2>
        <CsvButton name={`${filters.type} what failed`} columns={reasonColumns} rows={rows} />
      </div>
      <Answered answer={answer} height={80}>
        {() => <Table label="What failed" columns={reasonColumns} rows={rows} isPlain />}
      </Answered>
    </>
  );
}
