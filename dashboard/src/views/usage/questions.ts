import type {
  GetUsageSummaryResponse,
  ListUsageResponse,
} from '../../../../gen/typescript/gravitas/telemetry/v1/query_pb.js';
import { type Answer, useAnswer } from '../../api/answer.ts';
import { query } from '../../api/client.ts';
import { param } from '../../state/address.ts';
import { none } from '../../state/filters.ts';
import { periodAt, periodName } from '../../state/period.ts';
import { zone } from '../../state/zone.ts';

const refreshMs = 30_000;

/** By what calls are told apart, as questions and as filters call it. */
export const dimensions = [
  ['model', 'Model', 'models'],
  ['layer', 'Layer', 'layers'],
  ['provider', 'Provider', 'providers'],
  ['agent', 'Agent', 'agents'],
  ['project', 'Project', 'projects'],
  ['user', 'User', 'users'],
  ['session', 'Session', 'sessions'],
] as const;
export type DimensionName = (typeof dimensions)[number][0];

export function groupedBy(): DimensionName {
  const asked = dimensions.find(([name]) => name === param('group'));
  return asked?.[0] ?? 'model';
}

/** The filters of the address, by dimension. */
export const usageFilters = () =>
  dimensions.flatMap(([name, label]) => {
    const value = param(name);
    return value ? [{ name, label, value }] : [];
  });

function filter() {
  const set = dimensions.flatMap(([name, , field]) => {
    const value = param(name);
    return value ? [[field, [value === none ? '' : value]] as const] : [];
  });
  return Object.fromEntries(set);
}

const filterKey = () => JSON.stringify(filter());

/** By what a sum is asked that is to be told apart by nothing: dimensions alone are kept added up. */
function cheapest(): string {
  const [only, ...others] = usageFilters();
  return only && others.length === 0 ? only.name : 'layer';
}

/** Spend of a period of the calendar beside the same part of the one before, and what it will come to. */
export const useSpend = (period: 'day' | 'week' | 'month'): Answer<GetUsageSummaryResponse> =>
  useAnswer(
    `spend ${period} ${zone.value} ${filterKey()}`,
    (signal) =>
      query.getUsageSummary(
        {
          range: { period, timeZone: zone.value },
          filter: filter(),
          groupBy: [cheapest()],
          width: period === 'day' ? '1h' : '1d',
          compareBefore: true,
          forecast: true,
        },
        { signal },
      ),
    refreshMs,
  );

/** The period that is looked at, by what one groups by. */
export const useGroups = (by: string): Answer<GetUsageSummaryResponse> =>
  useAnswer(
    `groups ${by} ${periodName()} ${zone.value} ${filterKey()}`,
    (signal) => {
      const { range, width } = periodAt(Date.now());
      return query.getUsageSummary(
        {
          range,
          width,
          filter: filter(),
          groupBy: [by],
          compareBefore: true,
          orderBy: 'cost_usd',
        },
        { signal },
      );
    },
    refreshMs,
  );

export const useCalls = (isUnpriced: boolean, pages: number): Answer<ListUsageResponse> =>
  useAnswer(
    `calls ${isUnpriced} ${pages} ${periodName()} ${zone.value} ${filterKey()}`,
    (signal) =>
      query.listUsage(
        {
          range: periodAt(Date.now()).range,
          filter: { ...filter(), unpriced: isUnpriced },
          pageSize: Math.min(1000, 10 * pages),
        },
        { signal },
      ),
    refreshMs,
  );
