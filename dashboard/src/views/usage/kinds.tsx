import type { UsageTotals } from '../../../../gen/typescript/gravitas/telemetry/v1/answer_pb.js';
import type { GetUsageSummaryResponse } from '../../../../gen/typescript/gravitas/telemetry/v1/query_pb.js';
import type { Answer } from '../../api/answer.ts';
import { ChartPanel } from '../../charts/chart-panel.tsx';
import type { Series } from '../../charts/model.ts';
import { timeModel } from '../../charts/over-time.ts';
import { PartsBar } from '../../charts/small.tsx';
import { fixed, milliseconds, nothing } from '../../format.ts';
import { CsvButton } from '../../parts/csv-button.tsx';
import { Answered, Blank, Panel } from '../../parts/panel.tsx';
import { type Column, Table } from '../../parts/table.tsx';
import { periodAt } from '../../state/period.ts';

type Summary = Answer<GetUsageSummaryResponse>;

interface Kind {
  readonly name: string;
  readonly value: number;
  readonly colour: string;
}

/** Parts may contradict their whole: no part is less than nothing. */
const less = (whole: bigint, ...parts: bigint[]) =>
  Math.max(0, Number(parts.reduce((left, part) => left - part, whole)));

const kindsOf = (total: UsageTotals): Kind[] => [
  {
    name: 'Input, fresh',
    value: less(total.inputTokens, total.cachedTokens, total.cacheWriteTokens),
    colour: 's1',
  },
  { name: 'Input, read from cache', value: Number(total.cachedTokens), colour: 's4' },
  { name: 'Input, written to cache', value: Number(total.cacheWriteTokens), colour: 's2' },
  { name: 'Output', value: less(total.outputTokens, total.reasoningTokens), colour: 's3' },
  { name: 'Output, reasoning', value: Number(total.reasoningTokens), colour: 's5' },
];

const one = fixed(1);
const three = fixed(3);

export function TokenKinds({ answer }: { answer: Summary }) {
  const { words, inWords } = periodAt(Date.now());
  const total = answer.value?.total;
  const kinds = total ? kindsOf(total) : [];
  const sum = kinds.reduce((all, { value }) => all + value, 0);
  const columns: readonly Column<Kind>[] = [
    {
      label: 'Kind',
      value: ({ name }) => name,
      show: ({ name, colour }) => (
        <span class="key">
          <i class={`sq k-${colour}`} />
          {name}
        </span>
      ),
      total: 'All',
    },
    {
      label: 'Tokens',
      unit: 'M',
      isNumeric: true,
      value: ({ value }) => value / 1e6,
      show: ({ value }) => three(value / 1e6),
      total: three(sum / 1e6),
    },
    {
      label: 'Share',
      unit: '%',
      isNumeric: true,
      value: ({ value }) => (100 * value) / (sum || 1),
      show: ({ value }) => one((100 * value) / (sum || 1)),
      total: sum > 0 ? one(100) : nothing,
    },
  ];
  return (
    <Panel
      title="Tokens by kind"
      subtitle={words}
      size="m6 c4"
      tools={<CsvButton name="Tokens by kind" columns={columns} rows={kinds} />}
    >
      <Answered answer={answer} height={240}>
        {() =>
          sum === 0 ? (
            <Blank title={`No tokens ${inWords}`} height={240} />
          ) : (
            <>
              <PartsBar parts={kinds} />
              <Table label="Tokens by kind" columns={columns} rows={kinds} isPlain />
            </>
          )
        }
      </Answered>
    </Panel>
  );
}

export function LatencyCharts({ answer }: { answer: Summary }) {
  const { words, inWords } = periodAt(Date.now());
  const chart = (
    title: string,
    subtitle: string,
    field: 'durationMs' | 'timeToFirstTokenMs',
    empty: string,
  ) => (
    <ChartPanel
      title={title}
      subtitle={`${subtitle}, ${words}`}
      size="m6 c6"
      answer={answer}
      emptyTitle={`${empty} ${inWords}`}
      empty={<span>Calls say it as duration_ms and time_to_first_token_ms.</span>}
      modelOf={({ periods }) =>
        timeModel({
          parts: periods,
          series: (['p95', 'p50'] as const).map(
            (name): Series => ({
              name,
              colour: name === 'p50' ? 's1' : 'ink-2',
              values: periods.map(({ totals }) => totals?.[field]?.[name] ?? null),
            }),
          ),
          unit: 'ms',
          show: milliseconds,
        })
      }
    />
  );
  return (
    <>
      {chart('Latency', 'ms a call', 'durationMs', 'No call says how long it took')}
      {chart(
        'Time to first token',
        'ms',
        'timeToFirstTokenMs',
        'No call says when its first token came',
      )}
    </>
  );
}
