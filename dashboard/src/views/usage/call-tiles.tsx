import type { GetUsageSummaryResponse } from '../../../../gen/typescript/gravitas/telemetry/v1/query_pb.js';
import type { Answer } from '../../api/answer.ts';
import { amount, changeOf, fixed, integer, milliseconds, narrow, percent } from '../../format.ts';
import { Tile, Tiles } from '../../parts/tile.tsx';
import { periodAt } from '../../state/period.ts';

const decimals = fixed(2);

export function CallTiles({ answer }: { answer: Answer<GetUsageSummaryResponse> }) {
  const { value, unanswered, isOld } = answer;
  const { total, before } = value ?? {};
  const was = before?.totals;
  const { before: other } = periodAt(Date.now());
  const isNone = unanswered !== undefined || (value !== undefined && !total?.requests);
  const told = (text: string | undefined) => (isNone ? null : value && (text ?? null));
  const change = (now: number | undefined, then: number | undefined) => {
    const text = changeOf(now, then);
    return text ? (
      <>
        <b>{text}</b> vs {other}
      </>
    ) : (
      value && 'nothing before to compare'
    );
  };
  const latency = (label: string, field: 'durationMs' | 'timeToFirstTokenMs') => {
    const { p50, p95 } = total?.[field] ?? {};
    const [number, unit] =
      p50 === undefined ? [undefined, undefined] : milliseconds(p50).split(narrow);
    return (
      <Tile
        label={`${label}, p50`}
        isSlim
        isOld={isOld}
        value={told(number)}
        unit={unit}
        note={
          p95 === undefined ? (
            'not measured'
          ) : (
            <>
              p95 <b>{milliseconds(p95)}</b>{' '}
              {changeOf(p50, was?.[field]?.p50) && `· ${changeOf(p50, was?.[field]?.p50)}`}
            </>
          )
        }
      />
    );
  };
  const [hit, hitBefore] = [total?.cacheHitRate, was?.cacheHitRate];
  const points = hit !== undefined && hitBefore !== undefined ? 100 * (hit - hitBefore) : undefined;
  return (
    <Tiles kind="n6" label="Calls">
      <Tile
        label="Requests"
        isSlim
        isOld={isOld}
        value={told(amount(Number(total?.requests ?? 0n)))}
        note={change(Number(total?.requests ?? 0n), Number(was?.requests ?? 0n))}
      />
      <Tile
        label="Tokens"
        isSlim
        isOld={isOld}
        value={told(amount(Number(total?.totalTokens ?? 0n)))}
        note={change(Number(total?.totalTokens ?? 0n), Number(was?.totalTokens ?? 0n))}
      />
      <Tile
        label="Cache hit rate"
        isSlim
        isOld={isOld}
        value={told(hit === undefined ? undefined : percent(hit).split(narrow)[0])}
        unit="%"
        note={
          points === undefined ? (
            'of input tokens'
          ) : (
            <>
              <b>
                {points < 0 ? '▼' : '▲'}
                {narrow}
                {Math.abs(points).toFixed(1)} pt
              </b>{' '}
              vs {other}
            </>
          )
        }
      />
      {latency('Latency', 'durationMs')}
      {latency('First token', 'timeToFirstTokenMs')}
      <Tile
        label="Failed calls"
        isSlim
        isOld={isOld}
        value={told(
          total?.requests
            ? decimals((100 * Number(total.errors)) / Number(total.requests))
            : undefined,
        )}
        unit="%"
        note={
          total && (
            <>
              <b>{integer(Number(total.errors))}</b> of {integer(Number(total.requests))} calls
            </>
          )
        }
      />
    </Tiles>
  );
}
