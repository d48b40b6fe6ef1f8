import type {
  GetUsageSummaryResponse,
  UsagePeriod,
} from '../../../../gen/typescript/gravitas/telemetry/v1/query_pb.js';
import type { Answer } from '../../api/answer.ts';
import { startOf } from '../../charts/over-time.ts';
import { ShareBar, Sparkline } from '../../charts/small.tsx';
import { changeOf, dollars } from '../../format.ts';
import { Tile, Tiles } from '../../parts/tile.tsx';
import { monthBefore } from '../../state/period.ts';
import { clock, day, month, weekday } from '../../times.ts';

/** Costs as they add up; what is still to come is left out. */
export function cumulated(periods: readonly UsagePeriod[], now = Date.now()): (number | null)[] {
  let sum = 0;
  return periods.map((period) => {
    if (startOf(period) > now) return null;
    sum += period.totals?.costUsd ?? 0;
    return sum;
  });
}

type Spend = Answer<GetUsageSummaryResponse>;

export function SpendTiles({
  today,
  week,
  month: months,
}: Record<'today' | 'week' | 'month', Spend>) {
  const now = Date.now();
  const { value, unanswered, isOld } = months;
  const cost = value?.forecast?.costUsd;
  const spent = value?.total?.costUsd ?? 0;
  const whole = value?.before?.whole?.costUsd;
  return (
    <Tiles kind="n4 lead" label="Spend">
      <SpendTile label="Today" spend={today} against={`yesterday by ${clock(now)}`} />
      <SpendTile
        label="This week"
        spend={week}
        against={`last week by ${weekday(now).split(' ')[0]} ${clock(now)}`}
      />
      <SpendTile
        label="This month"
        spend={months}
        against={`${monthBefore(now)} by the same day`}
      />
      <Tile
        label={`${month(now)} forecast`}
        isOld={isOld}
        value={unanswered ? null : value && (cost ? dollars(cost.value) : null)}
        drawing={cost && <ShareBar share={cost.value > 0 ? spent / cost.value : 0} />}
        title={methodOf(value)}
        note={
          cost ? (
            <>
              <Likely {...cost} />
              <br />
              {whole === undefined ? (
                `no cost in ${monthBefore(now)}`
              ) : (
                <>
                  all of {monthBefore(now)} <b>{dollars(whole)}</b>
                </>
              )}
            </>
          ) : (
            value && 'too few days to go by'
          )
        }
      />
    </Tiles>
  );
}

const methodOf = (value: GetUsageSummaryResponse | undefined) =>
  value?.forecast && `in four of five cases; ${value.forecast.method}`;

const Likely = ({ low, high }: { low: number; high: number }) => (
  <>
    <b>
      {dollars(low)} to {dollars(high)}
    </b>{' '}
    likely
  </>
);

/** What the period comes to in the end, where the day before has something to go by. */
function Foreseen({ value }: { value: GetUsageSummaryResponse | undefined }) {
  const cost = value?.forecast?.costUsd;
  return (
    <>
      <br />
      {cost && (
        <span title={methodOf(value)}>
          forecast <b>{dollars(cost.value)}</b>
        </span>
      )}
    </>
  );
}

function SpendTile({ label, spend, against }: { label: string; spend: Spend; against: string }) {
  const { value, unanswered, isOld } = spend;
  const cost = value?.total?.costUsd;
  const change = changeOf(cost, value?.before?.totals?.costUsd);
  const periods = value?.periods ?? [];
  const before = value?.before?.periods ?? [];
  const isUnpriced = value && cost === undefined && (value.total?.requests ?? 0n) > 0n;
  return (
    <Tile
      label={label}
      isOld={isOld}
      value={unanswered ? null : value && (cost === undefined ? null : dollars(cost))}
      drawing={
        <Sparkline
          values={cumulated(periods)}
          before={cumulated(before)}
          count={Math.max(periods.length, before.length)}
          isZeroBased
        />
      }
      title={periods[0] && `since ${day(startOf(periods[0]))}`}
      note={
        <>
          {change ? (
            <>
              <b>{change}</b> vs {against}
            </>
          ) : isUnpriced ? (
            'no call has a price'
          ) : (
            value && 'no period before to compare'
          )}
          <Foreseen value={value} />
        </>
      }
    />
  );
}
