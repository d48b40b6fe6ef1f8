import type { UsageTotals } from '../../../../gen/typescript/gravitas/telemetry/v1/answer_pb.js';
import { fixed, integer } from '../../format.ts';

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

export const measures: readonly Measure[] = [
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
