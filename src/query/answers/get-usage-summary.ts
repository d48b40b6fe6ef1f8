import { create, type MessageInitShape } from '@bufbuild/protobuf';
import {
  type GetUsageSummaryRequest,
  type GetUsageSummaryResponse,
  GetUsageSummaryResponseSchema,
  type UsageBeforeSchema,
  type UsagePeriodSchema,
} from '../../../gen/typescript/gravitas/telemetry/v1/query_pb.js';
import type { Pricer } from '../../prices/pricer.ts';
import { type Dimension, readGroupBy } from '../ask/dimensions.ts';
import { usageFilter } from '../ask/filters.ts';
import { timestampOfUs } from '../ask/instants.ts';
import { Notes } from '../ask/notes.ts';
import type { Asker, Snapshot, Snapshots } from '../ask/snapshot.ts';
import { answerSource } from '../ask/source.ts';
import { type Range, readRange, spanBefore } from '../ask/time-range.ts';
import type { Buckets } from '../ask/widths.ts';
import { decimalMean } from '../decimal-mean.ts';
import { editions, present } from '../messages.ts';
import { addUp, type SourcedTotals } from '../totals/add-up.ts';
import type { Question } from '../totals/parts.ts';
import type { Totals } from '../totals/places.ts';
import { type GroupTotals, noGroups, sameGroups } from '../totals/read-totals.ts';
import { usageMeasures } from '../totals/usage-measures.ts';
import { bucketsOf, limitedByPoints } from './buckets.ts';
import { rankBy } from './ranking.ts';
import { groupMap } from './statistics-message.ts';
import { usageForecast } from './usage-forecast.ts';
import { tokenCounts, usageTotalsMessage } from './usage-message.ts';

const hoursDefault = 24;
const [groupsDefault, groupsMax] = [100, 1000];

export async function getUsageSummary(
  snapshots: Snapshots,
  pricer: Pricer,
  request: GetUsageSummaryRequest,
  asker: Asker,
): Promise<GetUsageSummaryResponse> {
  const sinceMs = performance.now();
  const notes = new Notes();
  const isOlder = request.groupBy.length === 0;
  const filter = usageFilter(request.filter, request);
  const groupBy = readGroupBy('usage', isOlder ? ['model', 'layer'] : request.groupBy);
  const by = rankBy('usage', usageMeasures, request.orderBy);
  const asked = isOlder ? groupsMax : notes.limit('limit', request.limit, groupsDefault, groupsMax);
  return await snapshots.read(asker, async (snapshot) => {
    const range = readRange(request, snapshot.asOfUs, notes, hoursDefault);
    const buckets =
      request.width === ''
        ? undefined
        : await bucketsOf(snapshot, { kind: 'usage', filter }, request.width, range, notes);
    const bordersUs = buckets?.bordersUs;
    const question: Question = {
      kind: 'usage',
      span: { startUs: range.startUs, endUs: range.endUs ?? bordersUs?.at(-1) },
      filter,
      groupBy,
      bordersUs,
      measured: usageMeasures,
      rolledValue: true,
      // The breakdown of older requests tells none.
      quantiles: isOlder ? 'of all' : true,
    };
    const limit = buckets && !isOlder ? limitedByPoints(asked, buckets, notes) : asked;
    const found = await addUp(snapshot, question, { by, limit });
    const before = request.compareBefore
      ? await readBefore(snapshot, question, range, found, buckets?.width, notes)
      : undefined;
    const predicted = request.forecast
      ? await usageForecast(snapshot, question, range, found.total)
      : undefined;
    if (request.forecast && !predicted) {
      notes.add('forecast', 'needs the present period of the calendar, and a day that has ended');
    }
    const { span } = question;
    return create(GetUsageSummaryResponseSchema, {
      ...olderFields(found.total),
      l2Tokens: BigInt(await tokensOfL2(snapshot, question, found)),
      timeWindowHours: range.hours ?? 0,
      breakdown: isOlder ? found.groups.map(breakdownMessage) : [],
      ...editions(pricer),
      total: usageTotalsMessage(found.total),
      groups: isOlder
        ? []
        : found.groups.map((each, index) =>
            groupMessage(groupBy, each, bordersUs, before?.same.groups[index]),
          ),
      ...(found.rest && { rest: usageTotalsMessage(found.rest.totals) }),
      restGroups: found.restGroups,
      periods: bordersUs ? periods(found.allPoints(), bordersUs) : [],
      ...(before && { before: before.message }),
      ...(predicted && { forecast: predicted }),
      width: buckets?.width ?? '',
      source: await answerSource(snapshot, { kind: 'usage', ...found, span, notes, sinceMs }),
    });
  });
}

async function tokensOfL2(
  snapshot: Snapshot,
  question: Question,
  { groups, rest }: SourcedTotals,
): Promise<number> {
  const layer = question.groupBy.findIndex(({ name }) => name === 'layer');
  if (layer >= 0 && !rest) {
    const ofL2 = groups.filter(({ group }) => group[layer] === 'L2');
    return ofL2.reduce((sum, { totals }) => sum + (totals.sums.total_tokens ?? 0), 0);
  }
  const { conditions } = usageFilter(undefined, { layer: 'L2' });
  const filter = { ...question.filter, conditions: [...question.filter.conditions, ...conditions] };
  const asked = { ...question, filter, groupBy: [], bordersUs: undefined, quantiles: false };
  return (await addUp(snapshot, asked, noGroups)).total.sums.total_tokens ?? 0;
}

interface Before {
  /** The same groups in the same order, in the same part of the time before. */
  readonly same: SourcedTotals;
  readonly message: MessageInitShape<typeof UsageBeforeSchema>;
}

async function readBefore(
  snapshot: Snapshot,
  question: Question,
  range: Range,
  found: SourcedTotals,
  width: string | undefined,
  notes: Notes,
): Promise<Before> {
  const span = spanBefore(range, snapshot.asOfUs);
  const asked = { ...question, span, bordersUs: undefined };
  const same = await addUp(snapshot, asked, sameGroups(found));
  const whole = { startUs: span.startUs, endUs: range.period ? range.period.startUs : span.endUs };
  const buckets: Buckets | undefined =
    width === undefined
      ? undefined
      : await bucketsOf(snapshot, question, width, { ...range, ...whole }, notes);
  const ofWhole = { ...question, span: whole, groupBy: [], bordersUs: buckets?.bordersUs };
  const all = range.period || buckets ? await addUp(snapshot, ofWhole, noGroups) : undefined;
  return {
    same,
    message: {
      startTime: timestampOfUs(span.startUs),
      endTime: timestampOfUs(span.endUs),
      totals: usageTotalsMessage(same.total),
      ...(all &&
        range.period && {
          whole: usageTotalsMessage(all.total),
          wholeEndTime: timestampOfUs(whole.endUs),
        }),
      periods: all && buckets ? periods(all.allPoints(), buckets.bordersUs) : [],
    },
  };
}

const periods = (
  points: readonly Totals[],
  bordersUs: readonly number[],
): MessageInitShape<typeof UsagePeriodSchema>[] =>
  points.map((point, index) => ({
    startTime: timestampOfUs(bordersUs[index] as number),
    endTime: timestampOfUs(bordersUs[index + 1] as number),
    totals: usageTotalsMessage(point),
  }));

function groupMessage(
  groupBy: readonly Dimension[],
  { group, totals, points }: GroupTotals,
  bordersUs: readonly number[] | undefined,
  before: GroupTotals | undefined,
) {
  return {
    group: groupMap(groupBy, group),
    totals: usageTotalsMessage(totals),
    ...(before?.totals.sums.requests && { before: usageTotalsMessage(before.totals) }),
    periods: bordersUs ? periods(points, bordersUs) : [],
  };
}

const olderFields = (totals: Totals) => ({
  requests: BigInt(totals.sums.requests ?? 0),
  ...tokenCounts(totals),
  ...present(
    'avgDurationMs',
    decimalMean(totals.sums.duration_sum ?? 0, totals.sums.duration_n ?? 0),
  ),
  costUsd: totals.sums.cost_usd ?? 0,
});

const breakdownMessage = ({ group: [model = null, layer = null], totals }: GroupTotals) => ({
  ...olderFields(totals),
  ...present('model', model),
  ...present('layer', layer),
});
