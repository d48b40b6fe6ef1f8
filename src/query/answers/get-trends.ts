import { create } from '@bufbuild/protobuf';
import type { Timestamp } from '@bufbuild/protobuf/wkt';
import { sql } from 'kysely';
import {
  DailyTrendSchema,
  type GetTrendsRequest,
  type GetTrendsResponse,
  GetTrendsResponseSchema,
} from '../../../gen/typescript/gravitas/telemetry/v1/query_pb.js';
import { dayMs } from '../../units.ts';
import { readZone } from '../ask/calendar.ts';
import { readGroupBy } from '../ask/dimensions.ts';
import { eventFilter, type Filter } from '../ask/filters.ts';
import { timestampOfUs, usOf, usOfMs } from '../ask/instants.ts';
import { Notes } from '../ask/notes.ts';
import type { Asker, Snapshot, Snapshots } from '../ask/snapshot.ts';
import { answerSource } from '../ask/source.ts';
import type { Span } from '../ask/time-range.ts';
import { readBuckets } from '../ask/widths.ts';
import { decimalMean } from '../decimal-mean.ts';
import { listRecords, type Order } from '../lists/list-records.ts';
import { filled, present } from '../messages.ts';
import { addUp, type SourcedTotals } from '../totals/add-up.ts';
import { eventMeasures } from '../totals/event-measures.ts';
import { withOnly } from '../totals/measures.ts';
import type { Totals } from '../totals/places.ts';
import type { GroupTotals } from '../totals/read-totals.ts';
import { quantileFields } from './quantile-fields.ts';
import { rankBy } from './ranking.ts';
import { whole } from './statistics-message.ts';

const trendDays = 60;
const daysMax = 366;
const modelsMax = 1000;
const told = ['records', 'n', 'sum', 'total_tokens'];
/** Of quantiles. */
const bounds = ['min', 'max'];

export async function getTrends(
  snapshots: Snapshots,
  request: GetTrendsRequest,
  asker: Asker,
): Promise<GetTrendsResponse> {
  const sinceMs = performance.now();
  const notes = new Notes();
  const zone = readZone('time_zone', request.timeZone);
  const days = notes.limit('days', request.days, trendDays, daysMax);
  const { component, quantiles } = request;
  const ofType = eventFilter(undefined, {
    component,
    eventType: request.eventType || 'THOUGHT_LATENCY',
  });
  const measured = withOnly(eventMeasures(), quantiles ? [...told, ...bounds] : told);
  const chosen = { by: rankBy('event', measured, ''), limit: modelsMax };
  return await snapshots.read(asker, async (snapshot) => {
    const { asOfUs } = snapshot;
    const startUs = asOfUs - days * dayMs * usOfMs;
    const { bordersUs } = readBuckets('1d', { startUs, endUs: asOfUs + 1 }, zone, notes);
    const span = { startUs, endUs: undefined };
    const groupBy = readGroupBy('event', ['component']);
    const question = {
      kind: 'event',
      span,
      filter: ofType,
      groupBy,
      bordersUs,
      measured,
      rolledValue: true,
      quantiles,
    } as const;
    const found = await addUp(snapshot, question, chosen);
    const filter = request.overallOfAllEvents ? eventFilter(undefined, { component }) : ofType;
    const all = request.overallOfAllEvents
      ? await addUp(
          snapshot,
          { ...question, filter, bordersUs: undefined, quantiles: false },
          chosen,
        )
      : found;
    const times = bordersUs.map(timestampOfUs);
    const near = request.overallOfAllEvents ? {} : daysWithAny(found, bordersUs);
    const ends = await firstAndLast(snapshot, filter, span, near);
    return create(GetTrendsResponseSchema, {
      overall: {
        totalMeasurements: BigInt(all.total.sums.records ?? 0),
        uniqueModels: BigInt(named(all)),
        ...(ends.first !== undefined && { oldestRecord: timestampOfUs(ends.first) }),
        ...(ends.last !== undefined && { newestRecord: timestampOfUs(ends.last) }),
      },
      modelTrends: found.groups.map((each) => modelMessage(each, times)),
      retentionWindowDays: trendDays,
      source: await answerSource(snapshot, { kind: 'event', ...found, span, notes, sinceMs }),
    });
  });
}

const named = ({ groups, restGroups }: SourcedTotals): number =>
  groups.filter(({ group }) => group[0] !== null).length + restGroups;

function modelMessage({ group, totals, points }: GroupTotals, days: readonly Timestamp[]) {
  return {
    ...present('component', group[0] ?? null),
    ...trendFields(totals),
    totalTokensProcessed: whole(totals.sums.total_tokens) ?? 0n,
    days: points
      .map((point, index) => ({ point, day: days[index] }))
      .filter(({ point }) => (point.sums.records ?? 0) > 0)
      .map(({ point, day }) => filled(DailyTrendSchema, { day, ...trendFields(point) })),
  };
}

const trendFields = ({ sums, cells }: Totals) => ({
  avgEfficiency: decimalMean(sums.sum ?? 0, sums.n ?? 0) ?? undefined,
  measurementCount: BigInt(sums.records ?? 0),
  ...quantileFields(cells[0], sums.min ?? null, sums.max ?? null),
});

/** Between which days the oldest and the newest record are, as what was added up has it. */
function daysWithAny({ groups, rest }: SourcedTotals, bordersUs: readonly number[]): Near {
  const all = [...groups, ...(rest ? [rest] : [])];
  const hasAny = bordersUs.map((_, day) => all.some(({ points }) => points[day]?.sums.records));
  return {
    beforeUs: bordersUs[hasAny.indexOf(true) + 1],
    sinceUs: bordersUs[hasAny.lastIndexOf(true)],
  };
}

interface Near {
  /** Before it the oldest is likely. */
  readonly beforeUs?: number | undefined;
  /** From it on the newest is. */
  readonly sinceUs?: number | undefined;
}

/**
 * The times of the oldest and the newest record: near ones first, since to make a plan for the
 * partitions of all days takes longer than to find one.
 */
async function firstAndLast({ trx }: Snapshot, filter: Filter, span: Span, near: Near) {
  const columns = sql`id, ${usOf(sql`"timestamp"`)} as timestamp_us`;
  const about = { kind: 'event', columns, filter, pageSize: 1, pageToken: '', id: '' } as const;
  const find = async (order: Order, nearer: Partial<Span>) => {
    for (const part of [{ ...span, ...nearer }, span]) {
      const [found] = (await listRecords(trx, { ...about, span: part, order })).rows;
      if (found) return found.timestamp_us;
    }
    return undefined;
  };
  const { beforeUs, sinceUs } = near;
  return {
    first: await find('oldest', { endUs: beforeUs }),
    last: await find(
      'newest',
      sinceUs === undefined ? {} : { startUs: Math.max(sinceUs, span.startUs ?? sinceUs) },
    ),
  };
}
