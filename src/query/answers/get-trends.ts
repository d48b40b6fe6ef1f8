import { create } from '@bufbuild/protobuf';
import { sql } from 'kysely';
import {
  type GetTrendsRequest,
  type GetTrendsResponse,
  GetTrendsResponseSchema,
} from '../../../gen/typescript/gravitas/telemetry/v1/query_pb.js';
import { dayMs } from '../../units.ts';
import { readZone } from '../ask/calendar.ts';
import { readGroupBy } from '../ask/dimensions.ts';
import { eventFilter, type Filter, meets } from '../ask/filters.ts';
import { sqlInstant, timestampOfUs, usOf, usOfMs } from '../ask/instants.ts';
import { Notes } from '../ask/notes.ts';
import type { Asker, Snapshot, Snapshots } from '../ask/snapshot.ts';
import { answerSource } from '../ask/source.ts';
import { readBuckets } from '../ask/widths.ts';
import { present } from '../messages.ts';
import { hasShownTime } from '../row-values.ts';
import { addUp, type SourcedTotals } from '../totals/add-up.ts';
import { eventMeasures } from '../totals/event-measures.ts';
import type { Totals } from '../totals/places.ts';
import type { GroupTotals } from '../totals/read-totals.ts';
import { rankBy } from './ranking.ts';
import { statisticsMessage, whole } from './statistics-message.ts';

const trendDays = 60;
const daysMax = 366;
const modelsMax = 1000;

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
  const measured = eventMeasures();
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
    const ends = await firstAndLast(snapshot, filter, startUs);
    return create(GetTrendsResponseSchema, {
      overall: {
        totalMeasurements: BigInt(all.total.sums.records ?? 0),
        uniqueModels: BigInt(named(all)),
        ...(ends.first !== null && { oldestRecord: timestampOfUs(ends.first) }),
        ...(ends.last !== null && { newestRecord: timestampOfUs(ends.last) }),
      },
      modelTrends: found.groups.map((each) => modelMessage(each, bordersUs)),
      retentionWindowDays: trendDays,
      source: await answerSource(snapshot, { kind: 'event', ...found, span, notes, sinceMs }),
    });
  });
}

const named = ({ groups, restGroups }: SourcedTotals): number =>
  groups.filter(({ group }) => group[0] !== null).length + restGroups;

function modelMessage({ group, totals, points }: GroupTotals, bordersUs: readonly number[]) {
  return {
    ...present('component', group[0] ?? null),
    ...trendMessage(totals),
    totalTokensProcessed: whole(totals.sums.total_tokens) ?? 0n,
    days: points
      .map((point, index) => ({ point, startUs: bordersUs[index] as number }))
      .filter(({ point }) => (point.sums.records ?? 0) > 0)
      .map(({ point, startUs }) => ({ day: timestampOfUs(startUs), ...trendMessage(point) })),
  };
}

function trendMessage(totals: Totals) {
  const { mean, count, p50, p95, p99 } = statisticsMessage(totals);
  return {
    ...present('avgEfficiency', mean ?? null),
    measurementCount: count ?? 0n,
    ...present('p50', p50 ?? null),
    ...present('p95', p95 ?? null),
    ...present('p99', p99 ?? null),
  };
}

/** Each is at an end of an index. */
async function firstAndLast({ trx }: Snapshot, filter: Filter, startUs: number) {
  const end = (direction: 'asc' | 'desc') => sql`(
    select ${usOf(sql`"timestamp"`)} from system_telemetry
    where "timestamp" >= ${sqlInstant(startUs)} and ${hasShownTime} and ${meets(filter)}
    order by "timestamp" ${sql.raw(direction)} limit 1)`;
  const { rows } = await sql<{ first: number | null; last: number | null }>`
    select ${end('asc')} as first, ${end('desc')} as last`.execute(trx);
  return rows[0] as { first: number | null; last: number | null };
}
