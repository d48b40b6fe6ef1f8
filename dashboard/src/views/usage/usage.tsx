import type { GetUsageSummaryResponse } from '../../../../gen/typescript/gravitas/telemetry/v1/query_pb.js';
import type { Answer } from '../../api/answer.ts';
import { amount, integer, percent } from '../../format.ts';
import { Icon } from '../../parts/icon.tsx';
import { Notice } from '../../parts/notice.tsx';
import { Choices, CustomSpan, PageHead, Updated, ZoneChoice } from '../../parts/page-head.tsx';
import { hrefWith } from '../../state/address.ts';
import { periodAt, periodName } from '../../state/period.ts';
import { customSpan, spanText } from '../../state/range.ts';
import { midnight } from '../../state/zone.ts';
import { month } from '../../times.ts';
import { CallTiles } from './call-tiles.tsx';
import { Calls } from './calls.tsx';
import { Cumulative, SpendByDay } from './charts.tsx';
import { Compare } from './compare.tsx';
import { Explained } from './explained.tsx';
import { LatencyCharts, TokenKinds } from './kinds.tsx';
import { LocalAgainstCloud } from './local-cloud.tsx';
import { groupedBy, usageFilters, useGroups, useSpend } from './questions.ts';
import { SpendTiles } from './spend-tiles.tsx';

export function Usage() {
  const today = useSpend('day');
  const week = useSpend('week');
  const monthSpend = useSpend('month');
  const groups = useGroups(groupedBy());
  const models = useGroups('model');
  const layers = useGroups('layer');
  return (
    <>
      <PageHead title="Usage">
        <Updated at={models.at} />
        <PeriodChoice />
        <ZoneChoice />
      </PageHead>
      <Filters />
      <SpendTiles today={today} week={week} month={monthSpend} />
      <Unpriced answer={models} />
      <div class="grid">
        <SpendByDay answer={models} month={monthSpend} />
        <Cumulative answer={monthSpend} />
      </div>
      <CallTiles answer={models} />
      <Compare answer={groups} />
      <div class="grid">
        <TokenKinds answer={models} />
        <LocalAgainstCloud answer={layers} />
        <Explained />
        <LatencyCharts answer={models} />
        <Calls />
      </div>
    </>
  );
}

function PeriodChoice() {
  const chosen = periodName();
  const now = Date.now();
  const custom = customSpan(chosen)
    ? chosen
    : spanText({ from: midnight(now, -29), to: midnight(now, 1) });
  const choices = [
    { value: 'today', label: 'Today', words: 'Today' },
    { value: '7d', label: '7 d', words: 'Last 7 days' },
    { value: 'month', label: month(now), words: month(now) },
    { value: '90d', label: '90 d', words: 'Last 90 days' },
    { value: custom, label: 'Custom', words: 'Custom' },
  ];
  return (
    <>
      <Choices label="Period" name="p" chosen={chosen} choices={choices} />
      {customSpan(chosen) && <CustomSpan name="p" />}
    </>
  );
}

/** Each of what one looks at only, and how to look at the rest again. */
function Filters() {
  const filters = usageFilters();
  if (filters.length === 0) return null;
  return (
    <nav class="row" aria-label="Filters">
      {filters.map(({ name, label, value }) => (
        <a key={name} class="chip" href={hrefWith({ [name]: undefined })}>
          {label}: {value}
          <Icon name="x" />
          <span class="sr">remove</span>
        </a>
      ))}
    </nav>
  );
}

/** What is in no sum; a line in any case, so that nothing below moves once it is known. */
function Unpriced({ answer }: { answer: Answer<GetUsageSummaryResponse> }) {
  const { total, groups = [], priceList } = answer.value ?? {};
  const { inWords } = periodAt(Date.now());
  if (!total?.unpriced) {
    if (!total) return <Notice tone="off">Asking which calls have a price.</Notice>;
    if (total.requests === 0n) return <Notice tone="off">No calls {inWords}.</Notice>;
    return (
      <Notice tone="ok">
        <b>Every call {inWords} has a price.</b>{' '}
        {priceList && `Prices as of ${priceList.date}, list ${priceList.version}.`}
      </Notice>
    );
  }
  const models = groups
    .filter(({ totals }) => (totals?.unpriced ?? 0n) > 0n)
    .map(({ group }) => group.model ?? 'no model');
  const named = models.slice(0, 3).join(', ');
  const more = models.length > 3 ? ` and ${models.length - 3} more` : '';
  const share = percent(Number(total.unpriced) / Number(total.requests));
  return (
    <Notice
      tone="warn"
      action={<a href={hrefWith({ unpriced: '1', call: undefined })}>Show the calls</a>}
    >
      <b>{integer(Number(total.unpriced))} calls are unpriced</b> ({share},{' '}
      {amount(Number(total.unpricedTokens))} tokens), and in no sum below: no price for{' '}
      <code>{named}</code>
      {more}. <code>TELEMETRY_PRICES_FILE</code> prices them.
    </Notice>
  );
}
