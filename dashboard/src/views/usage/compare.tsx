import { useMemo } from 'preact/hooks';
import type { UsageTotals } from '../../../../gen/typescript/gravitas/telemetry/v1/answer_pb.js';
import type {
  GetUsageSummaryResponse,
  UsageGroup,
} from '../../../../gen/typescript/gravitas/telemetry/v1/query_pb.js';
import type { Answer } from '../../api/answer.ts';
import { colourFor } from '../../charts/categories.ts';
import { CellSparkline, ShareBar } from '../../charts/small.tsx';
import { changeOf, fixed, integer, nothing } from '../../format.ts';
import { CsvButton } from '../../parts/csv-button.tsx';
import { Choices } from '../../parts/page-head.tsx';
import { Answered, Blank, Panel } from '../../parts/panel.tsx';
import { Status } from '../../parts/status.tsx';
import { type Column, Table } from '../../parts/table.tsx';
import { hrefWith } from '../../state/address.ts';
import { none } from '../../state/filters.ts';
import { periodAt } from '../../state/period.ts';
import { measures } from './measures.ts';
import { type DimensionName, dimensions, groupedBy } from './questions.ts';

const two = fixed(2);

function columnsOf(
  by: DimensionName,
  label: string,
  total: UsageTotals | undefined,
  before: UsageTotals | undefined,
) {
  const cost = total?.costUsd ?? 0;
  const shown = (value: number | undefined, show: (value: number) => string) =>
    value === undefined ? nothing : show(value);
  const columns: Column<UsageGroup>[] = [
    {
      label,
      value: ({ group }) => group[by] ?? '',
      show: ({ group }) => <Name by={by} name={group[by]} />,
      total: 'All',
    },
    {
      label: 'Cost',
      unit: '$',
      isNumeric: true,
      value: ({ totals }) => totals?.costUsd,
      show: ({ totals }) =>
        totals?.costUsd === undefined ? <Status tone="warn">unpriced</Status> : two(totals.costUsd),
      total: shown(total?.costUsd, two),
    },
    {
      label: 'vs before',
      unit: '%',
      isNumeric: true,
      value: ({ totals, before }) => changeIn(totals, before),
      show: ({ totals, before }) => withoutUnit(changeOf(totals?.costUsd, before?.costUsd)),
      total: withoutUnit(changeOf(total?.costUsd, before?.costUsd)),
      isWideOnly: true,
    },
    {
      label: 'Share',
      value: () => undefined,
      show: ({ totals }) => cost > 0 && <ShareBar share={(totals?.costUsd ?? 0) / cost} />,
      isWideOnly: true,
      isWidestOnly: true,
      isShownOnly: true,
    },
    ...measures.map(({ of, show, ...rest }) => ({
      ...rest,
      isNumeric: true,
      value: ({ totals }: UsageGroup) => totals && of(totals),
      show: ({ totals }: UsageGroup) => shown(totals && of(totals), show),
      total: shown(total && of(total), show),
    })),
    {
      label: 'Requests over time',
      value: () => undefined,
      show: ({ periods }) => (
        <CellSparkline
          values={periods.map(({ totals }) => Number(totals?.requests ?? 0n))}
          isZeroBased
        />
      ),
      isWideOnly: true,
      isWidestOnly: true,
      isShownOnly: true,
    },
  ];
  return columns;
}

const withoutUnit = (change: string): string => change.replace(/.%$/, '') || nothing;
const changeIn = (now: UsageTotals | undefined, before: UsageTotals | undefined) =>
  now?.costUsd !== undefined && before?.costUsd
    ? 100 * (now.costUsd / before.costUsd - 1)
    : undefined;

const Name = ({ by, name }: { by: DimensionName; name: string | undefined }) => (
  <span class="key">
    {by === 'model' && <i class={`sq k-${colourFor('model', name ?? '')}`} />}
    <a href={hrefWith({ [by]: name ?? none })}>{name ?? 'none'}</a>
  </span>
);

export function Compare({ answer }: { answer: Answer<GetUsageSummaryResponse> }) {
  const by = groupedBy();
  const { words, inWords } = periodAt(Date.now());
  const [, label] = dimensions.find(([name]) => name === by) as (typeof dimensions)[number];
  const { groups = [], total, before, restGroups = 0, priceList } = answer.value ?? {};
  const columns = useMemo(
    () => columnsOf(by, label, total, before?.totals),
    [by, label, total, before],
  );
  const choices = dimensions.map(([value, label]) => ({ value, label, words: label }));
  const prices = priceList && `prices as of ${priceList.date}`;
  return (
    <Panel
      title={`Compare ${label.toLowerCase()}s`}
      subtitle={[words, prices, 'a row is a filter'].filter(Boolean).join(', ')}
      tools={
        <>
          <Choices label="Group by" name="group" chosen={by} choices={choices} />
          <CsvButton name={`Usage by ${label}`} columns={columns} rows={groups} />
        </>
      }
    >
      <Answered answer={answer} height={280}>
        {() =>
          groups.length === 0 ? (
            <Blank title={`No calls ${inWords}`} height={280}>
              <span>log_usage() sends them.</span>
            </Blank>
          ) : (
            <>
              <Table
                label={`Compare ${label.toLowerCase()}s`}
                columns={columns}
                rows={groups}
                sortedBy="sort"
                sortedFirst="Cost"
              />
              {restGroups > 0 && (
                <p class="panel-foot">{integer(restGroups)} more are in the sum only.</p>
              )}
            </>
          )
        }
      </Answered>
    </Panel>
  );
}
