import { create, type MessageInitShape } from '@bufbuild/protobuf';
import {
  type GetStatsRequest,
  type GetStatsResponse,
  GetStatsResponseSchema,
} from '../../../gen/typescript/gravitas/telemetry/v1/query_pb.js';
import { noCells } from '../../rollup/sketch-cells.ts';
import { type Dimension, readGroupBy, readValue } from '../ask/dimensions.ts';
import { eventFilter, type Filter } from '../ask/filters.ts';
import { Notes } from '../ask/notes.ts';
import type { Asker, Snapshots } from '../ask/snapshot.ts';
import { answerSource } from '../ask/source.ts';
import { readRange, spanBefore } from '../ask/time-range.ts';
import { decimalMean } from '../decimal-mean.ts';
import { present } from '../messages.ts';
import { addUp, type SourcedTotals } from '../totals/add-up.ts';
import { eventMeasures } from '../totals/event-measures.ts';
import type { Question } from '../totals/parts.ts';
import { addTotals, type Totals } from '../totals/places.ts';
import { quantilesOf } from '../totals/quantiles-of.ts';
import { type GroupTotals, sameGroups } from '../totals/read-totals.ts';
import { histogram } from './histogram.ts';
import { quantileOrder, rankBy } from './ranking.ts';
import { groupMap, statisticsMessage, whole } from './statistics-message.ts';

const hoursDefault = 24;
const [groupsDefault, groupsMax] = [100, 1000];
const histogramBucketsMax = 200;
/** What older requests ask for where they don't say what. */
const typeDefault = 'THOUGHT_LATENCY';

interface Asked {
  readonly notes: Notes;
  readonly filter: Filter;
  /** By component where nothing is said: that is what older requests mean. */
  readonly groupBy: readonly Dimension[];
  readonly isOlder: boolean;
  readonly value: ReturnType<typeof readValue>;
  readonly limit: number;
  readonly histogramBuckets: number;
}

function readRequest(request: GetStatsRequest): Asked {
  const notes = new Notes();
  const isOlder = request.groupBy.length === 0;
  const eventType = request.eventType || (isOlder && !request.filter ? typeDefault : '');
  return {
    notes,
    filter: eventFilter(request.filter, { component: request.component, eventType }),
    groupBy: readGroupBy('event', isOlder ? ['component'] : request.groupBy),
    isOlder,
    value: readValue(request.value, 'value'),
    limit: isOlder ? groupsMax : notes.limit('limit', request.limit, groupsDefault, groupsMax),
    histogramBuckets: notes.within(
      'histogram_buckets',
      request.histogramBuckets,
      histogramBucketsMax,
    ),
  };
}

/** The answer, and its sum of tokens: null where there is nothing to sum up. */
export async function getStats(
  snapshots: Snapshots,
  request: GetStatsRequest,
  asker: Asker,
): Promise<{ response: GetStatsResponse; totalTokens: number | null }> {
  const sinceMs = performance.now();
  const { notes, filter, groupBy, isOlder, value, limit, histogramBuckets } = readRequest(request);
  const measured = eventMeasures(value);
  const by = rankBy('event', measured, request.orderBy);
  const byQuantile = quantileOrder(request.orderBy) !== undefined;
  return await snapshots.read(asker, async (snapshot) => {
    const range = readRange(request, snapshot.asOfUs, notes, hoursDefault);
    const question: Question = {
      kind: 'event',
      span: range,
      filter,
      groupBy,
      bordersUs: undefined,
      measured,
      rolledValue: !value,
      // Components of older requests tell none.
      quantiles: isOlder && !byQuantile ? 'of all' : true,
    };
    const all = await addUp(snapshot, question, {
      by,
      limit: byQuantile ? groupsMax : limit,
    });
    const found = byQuantile ? byQuantiles(all, question, request.orderBy, limit) : all;
    const span = spanBefore(range, snapshot.asOfUs);
    const before = request.compareBefore
      ? await addUp(snapshot, { ...question, span }, sameGroups(found))
      : undefined;
    const { total, rest } = found;
    const { sums } = total;
    const spread =
      histogramBuckets > 0 && total.cells[0]
        ? histogram(total.cells[0], sums.min ?? null, sums.max ?? null, histogramBuckets)
        : undefined;
    const source = await answerSource(snapshot, {
      kind: 'event',
      ...found,
      span: range,
      notes,
      sinceMs,
    });
    const response = create(GetStatsResponseSchema, {
      ...olderFields(total),
      ...(request.component !== '' && { component: request.component }),
      timeWindowHours: range.hours ?? 0,
      components: isOlder ? found.groups.map(componentMessage) : [],
      source,
      total: statisticsMessage(total),
      groups: isOlder
        ? []
        : found.groups.map((each, index) => ({
            group: groupMap(groupBy, each.group),
            statistics: statisticsMessage(each.totals),
            ...beforeOf(before?.groups[index]),
          })),
      ...(rest && { rest: statisticsMessage(rest.totals) }),
      restGroups: found.restGroups,
      ...(before && { before: statisticsMessage(before.total) }),
      ...(spread && { histogram: spread }),
    });
    return { response, totalTokens: sums.tokens_generated ?? null };
  });
}

/** Of the group that is the same. */
const beforeOf = (before: GroupTotals | undefined) =>
  before?.totals.sums.records ? { before: statisticsMessage(before.totals) } : {};

/** Those that come first by a quantile. */
function byQuantiles(
  found: SourcedTotals,
  { measured }: Question,
  orderBy: string,
  limit: number,
): SourcedTotals {
  const share = quantileOrder(orderBy) ?? 0;
  const rank = ({ totals: { sums, cells } }: GroupTotals): number =>
    quantilesOf(cells[0] ?? noCells, sums.min ?? null, sums.max ?? null, [share])[0] ?? -Infinity;
  const ranked = found.groups.map((each) => ({ each, rank: rank(each) }));
  const ordered = ranked
    .sort((a, b) => (a.rank === b.rank ? 0 : b.rank - a.rank))
    .map(({ each }) => each);
  const others = [...ordered.slice(limit), ...(found.rest ? [found.rest] : [])];
  const rest =
    others.length > 0
      ? {
          group: [],
          points: [],
          totals: addTotals(
            measured,
            others.map(({ totals }) => totals),
          ),
        }
      : undefined;
  const restGroups = found.restGroups + Math.max(0, ordered.length - limit);
  return { ...found, groups: ordered.slice(0, limit), rest, restGroups };
}

const olderFields = ({ sums }: Totals) => ({
  measurementCount: BigInt(sums.records ?? 0),
  ...present('avgEfficiencyScore', decimalMean(sums.sum ?? 0, sums.n ?? 0)),
  ...present('bestEfficiency', sums.min ?? null),
  ...present('worstEfficiency', sums.max ?? null),
  totalTokens: whole(sums.tokens_generated) ?? 0n,
});

const componentMessage = ({
  group,
  totals,
}: GroupTotals): NonNullable<
  MessageInitShape<typeof GetStatsResponseSchema>['components']
>[number] => ({
  ...present('component', group[0] ?? null),
  ...olderFields(totals),
});
