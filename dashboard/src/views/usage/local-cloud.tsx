import type { UsageTotals } from '../../../../gen/typescript/gravitas/telemetry/v1/answer_pb.js';
import type { GetUsageSummaryResponse } from '../../../../gen/typescript/gravitas/telemetry/v1/query_pb.js';
import type { Answer } from '../../api/answer.ts';
import { ShareBar } from '../../charts/small.tsx';
import { amount, dollars, fixed, milliseconds, nothing, percent } from '../../format.ts';
import { CsvButton } from '../../parts/csv-button.tsx';
import { Answered, Blank, Panel } from '../../parts/panel.tsx';
import { type Column, Table } from '../../parts/table.tsx';
import { periodAt } from '../../state/period.ts';

type Summary = Answer<GetUsageSummaryResponse>;

/** The layer of one's own machines. */
const localLayer = 'L1';

interface Side {
  readonly name: string;
  readonly local: string;
  readonly cloud: string;
  readonly share?: number;
}

export function LocalAgainstCloud({ answer }: { answer: Summary }) {
  const { words, inWords } = periodAt(Date.now());
  const rows = answer.value ? sidesOf(answer.value) : [];
  const columns: readonly Column<Side>[] = [
    { label: 'What', value: ({ name }) => name },
    { label: 'Local', isNumeric: true, value: ({ local }) => local },
    { label: 'Cloud', isNumeric: true, value: ({ cloud }) => cloud },
    {
      label: 'Local',
      unit: '%',
      isNumeric: true,
      value: ({ share }) => share && 100 * share,
      show: ({ share }) => (share === undefined ? '' : fixed(0)(100 * share)),
    },
    {
      label: '',
      value: () => undefined,
      show: ({ share }) => share !== undefined && <ShareBar share={share} />,
      isShownOnly: true,
      isWideOnly: true,
    },
  ];
  return (
    <Panel
      title="Local against cloud"
      subtitle={words}
      size="m6 c4"
      tools={<CsvButton name="Local against cloud" columns={columns} rows={rows} />}
    >
      <Answered answer={answer} height={240}>
        {() =>
          rows.length === 0 ? (
            <Blank title={`No calls ${inWords}`} height={240} />
          ) : (
            <>
              <Table label="Local against cloud" columns={columns} rows={rows} isPlain />
              <p class="panel-foot">
                Local is the layer {localLayer}. It costs what your own prices say; without them its
                calls are unpriced.
              </p>
            </>
          )
        }
      </Answered>
    </Panel>
  );
}

function sidesOf({ groups, total }: GetUsageSummaryResponse): Side[] {
  if (!total?.requests) return [];
  const local = groups.find(({ group }) => group.layer === localLayer)?.totals;
  const clouds = groups.filter(({ group }) => group.layer !== localLayer);
  const busiest = clouds.toSorted((a, b) =>
    Number((b.totals?.requests ?? 0n) - (a.totals?.requests ?? 0n)),
  )[0];
  const side = (
    name: string,
    of: (totals: UsageTotals) => number,
    show: (value: number) => string,
  ): Side => {
    const [all, own] = [of(total), local ? of(local) : 0];
    return {
      name,
      local: show(own),
      cloud: show(Math.max(0, all - own)),
      ...(all > 0 && { share: own / all }),
    };
  };
  const costOf = ({ costUsd }: UsageTotals) => costUsd ?? 0;
  const pricedTokens = ({ totalTokens, unpricedTokens }: UsageTotals) =>
    Number(totalTokens - unpricedTokens);
  const [allTokens, ownTokens] = [pricedTokens(total), local ? pricedTokens(local) : 0];
  const each = (cost: number, tokens: number) =>
    tokens > 0 ? dollars((1e6 * cost) / tokens) : nothing;
  const ownCost = local ? costOf(local) : 0;
  const first = (totals: UsageTotals | undefined) => {
    const p50 = totals?.timeToFirstTokenMs?.p50;
    return p50 === undefined ? nothing : milliseconds(p50);
  };
  const sums = side('Cost', costOf, dollars);
  const isPriced = (sides: readonly (UsageTotals | undefined)[]) =>
    sides.length === 0 || sides.some((totals) => totals?.costUsd !== undefined);
  const cost = {
    ...sums,
    ...(!isPriced(local ? [local] : []) && { local: 'unpriced' }),
    ...(!isPriced(clouds.map(({ totals }) => totals)) && { cloud: 'unpriced' }),
  };
  return [
    side('Requests', ({ requests }) => Number(requests), amount),
    side('Tokens', ({ totalTokens }) => Number(totalTokens), amount),
    cost,
    {
      name: 'Per million',
      local: each(ownCost, ownTokens),
      cloud: each(costOf(total) - ownCost, allTokens - ownTokens),
    },
    { name: 'First token', local: first(local), cloud: `${first(busiest?.totals)}` },
    {
      name: 'Errors',
      local: local ? errorsOf(local) : nothing,
      cloud: busiest?.totals ? errorsOf(busiest.totals) : nothing,
    },
  ];
}

const errorsOf = ({ errors, requests }: UsageTotals) =>
  requests ? percent(Number(errors) / Number(requests)) : nothing;
