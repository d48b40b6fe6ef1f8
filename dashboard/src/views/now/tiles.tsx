import type { GetServiceResponse } from '../../../../gen/typescript/gravitas/telemetry/v1/collectors_pb.js';
import type { GetUsageSummaryResponse } from '../../../../gen/typescript/gravitas/telemetry/v1/query_pb.js';
import type { Answer } from '../../api/answer.ts';
import { ratesOf } from '../../charts/over-time.ts';
import { Sparkline } from '../../charts/small.tsx';
import { amount, changeOf, integer, milliseconds, narrow, percent } from '../../format.ts';
import { Tile } from '../../parts/tile.tsx';
import { rangeAt, rangeWords } from '../../state/range.ts';
import { allTogether, type Flow, shareOf } from './flow.tsx';

const secondsOfRange = () => {
  const { from, to } = rangeAt(Date.now());
  return (to - from) / 1000;
};

export function EventTiles({ flow }: { flow: Answer<Flow> }) {
  const { value, unanswered, isOld } = flow;
  const parts = value && allTogether(value);
  const { total, before } = value?.stats ?? {};
  const rates = parts ? ratesOf(parts, ({ count }) => count) : [];
  const isNone = value && !total?.count;
  const last = rates.findLast((rate) => rate !== null);
  const [share, shareBefore] = [total, before].map((each) => shareOf(each?.notOk, each?.count));
  const change = changeOf(Number(total?.count ?? 0), Number(before?.count ?? 0));
  return (
    <>
      <Tile
        label="Events"
        isOld={isOld}
        value={value ? (isNone ? null : amount(last ?? 0)) : unanswered && null}
        unit="events/s"
        drawing={<Sparkline values={rates} />}
        note={
          isNone ? (
            `none ${rangeWords()}`
          ) : change ? (
            <>
              <b>{change}</b> vs before
            </>
          ) : (
            'none before to compare'
          )
        }
        title={
          total &&
          `${integer(Number(total.count))} events, ${amount(Number(total.count) / secondsOfRange())}/s on average`
        }
      />
      <Tile
        label="Errors"
        isOld={isOld}
        value={
          value
            ? share === undefined
              ? null
              : percent(share).split(narrow)[0]
            : unanswered && null
        }
        unit="%"
        drawing={
          <Sparkline
            values={parts?.map(({ count, notOk }) => (count ? notOk / count : null)) ?? []}
            isZeroBased
          />
        }
        note={
          share !== undefined && shareBefore !== undefined ? (
            <>
              <b>
                {share < shareBefore ? '▼' : '▲'}
                {narrow}
                {(100 * Math.abs(share - shareBefore)).toFixed(2)} pt
              </b>{' '}
              vs before
            </>
          ) : share === undefined ? (
            `no events ${rangeWords()}`
          ) : (
            'none before to compare'
          )
        }
      />
    </>
  );
}

export function TokenTile(props: {
  label: string;
  tokens: Answer<GetUsageSummaryResponse>;
  field: 'inputTokens' | 'outputTokens';
}) {
  const { value, unanswered, isOld } = props.tokens;
  const rates = value ? ratesOf(value.periods, ({ totals }) => totals?.[props.field] ?? 0n) : [];
  const last = rates.findLast((rate) => rate !== null);
  const isNone = value && !value.total?.requests;
  const change = changeOf(
    Number(value?.total?.[props.field] ?? 0n),
    Number(value?.before?.totals?.[props.field] ?? 0n),
  );
  return (
    <Tile
      label={props.label}
      isOld={isOld}
      value={unanswered || isNone ? null : value && (last === undefined ? null : amount(last))}
      unit="tokens/s"
      drawing={<Sparkline values={rates} />}
      note={
        isNone ? (
          `no calls ${rangeWords()}`
        ) : change ? (
          <>
            <b>{change}</b> vs before
          </>
        ) : (
          value && 'none before to compare'
        )
      }
    />
  );
}

export function ServiceTiles({ service }: { service: Answer<GetServiceResponse> }) {
  const { value, unanswered } = service;
  const all = value?.collectors ?? [];
  const sum = (of: (collector: (typeof all)[number]) => bigint) =>
    all.reduce((total, collector) => total + Number(of(collector)), 0);
  const slowest = Math.max(-1, ...all.map(({ ackLatencyMs }) => ackLatencyMs?.p99 ?? -1));
  const samples = all.find(({ answering }) => answering)?.samples ?? [];
  const told = (records: number) => (unanswered ? null : value && amount(records));
  return (
    <>
      <Tile
        label="Queue"
        value={told(sum(({ queueRecords }) => queueRecords))}
        unit="records"
        drawing={
          <Sparkline values={samples.map(({ queueRecords }) => Number(queueRecords))} isZeroBased />
        }
        note={
          slowest >= 0 ? (
            <>
              <b>{milliseconds(slowest)}</b> until durable, p99
            </>
          ) : (
            'nothing came lately'
          )
        }
      />
      <Tile
        label="Spool"
        value={told(sum(({ spoolRecords }) => spoolRecords))}
        unit="records"
        drawing={
          <Sparkline values={samples.map(({ spoolRecords }) => Number(spoolRecords))} isZeroBased />
        }
        note={`of ${all.length === 1 ? 'one collector' : `${all.length} collectors`}`}
      />
    </>
  );
}
