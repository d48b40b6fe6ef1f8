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
import { type DimensionName, dimensions, groupedBy } from './questions.ts';

/** A number of a group, the same of all, and how both are shown. */
interface Measure {
  readonly label: string;
  readonly unit?: string;
  of(totals: UsageTotals): number | undefined;
  show(value: number): string;
  readonly isWideOnly?: boolean;
  readonly isWidestOnly?: boolean;
}

const millions = (value: number) => value / 1e6;
const two = fixed(2);
/** Of a kind of token that there was none of. */
const twoOrNone = (value: number) => (value === 0 ? '0' : two(value));
const perMillion = ({ costUsd, totalTokens, unpricedTokens }: UsageTotals) => {
  const tokens = Number(totalTokens - unpricedTokens);
  return costUsd === undefined || tokens === 0 ? undefined : (1e6 * costUsd) / tokens;
};
const perCent = (part: number | undefined) => (part === undefined ? undefined : 100 * part);

const measures: readonly Measure[] = [
  { label: 'Requests', of: ({ requests }) => Number(requests), show: integer },
  {
    label: 'Input',
    unit: 'M',
    of: ({ inputTokens }) => millions(Number(inputTokens)),
    show: twoOrNone,
  },
  {
    label: 'Cached',
    unit: '%',
    of: ({ cacheHitRate }) => perCent(cacheHitRate),
    show: fixed(0),
    isWideOnly: true,
  },
  {
    label: 'Cache write',
    unit: 'M',
    of: ({ cacheWriteTokens }) => millions(Number(cacheWriteTokens)),
    show: twoOrNone,
    isWideOnly: true,
    isWidestOnly: true,
  },
  {
    label: 'Output',
    unit: 'M',
    of: ({ outputTokens }) => millions(Number(outputTokens)),
    show: twoOrNone,
  },
  {
    label: 'Reasoning',
    unit: 'M',
    of: ({ reasoningTokens }) => millions(Number(reasoningTokens)),
    show: twoOrNone,
    isWideOnly: true,
  },
  { label: 'Blended', unit: '$/M', of: perMillion, show: two, isWideOnly: true },
  {
    label: 'First token',
    unit: 'ms',
    of: ({ timeToFirstTokenMs }) => timeToFirstTokenMs?.p50,
    show: integer,
    isWideOnly: true,
  },
  {
    label: 'First token p95',
    unit: 'ms',
    of: ({ timeToFirstTokenMs }) => timeToFirstTokenMs?.p95,
    show: integer,
    isWideOnly: true,
    isWidestOnly: true,
  },
  {
    label: 'Call p50',
    unit: 's',
    of: ({ durationMs }) => durationMs?.p50 && durationMs.p50 / 1000,
    show: two,
    isWideOnly: true,
  },
  {
    label: 'Call p95',
    unit: 's',
    of: ({ durationMs }) => durationMs?.p95 && durationMs.p95 / 1000,
    show: two,
  },
  {
    label: 'Errors',
    unit: '%',
    of: ({ errors, requests }) =>
      requests ? (100 * Number(errors)) / Number(requests) : undefined,
    show: two,
  },
];

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
      total: two(cost),
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
  const columns = columnsOf(by, label, total, before?.totals);
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
