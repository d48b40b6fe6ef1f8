import { create } from '@bufbuild/protobuf';
import {
  type GetTimeSeriesRequest,
  type GetTimeSeriesResponse,
  GetTimeSeriesResponseSchema,
  TimePointSchema,
  TimeSeriesSchema,
} from '../../../gen/typescript/gravitas/telemetry/v1/time_series_pb.js';
import { readGroupBy, readValue } from '../ask/dimensions.ts';
import { eventFilter } from '../ask/filters.ts';
import { timestampOfUs } from '../ask/instants.ts';
import { Notes } from '../ask/notes.ts';
import type { Asker, Snapshots } from '../ask/snapshot.ts';
import { answerSource } from '../ask/source.ts';
import { readRange } from '../ask/time-range.ts';
import { filled } from '../messages.ts';
import { addUp } from '../totals/add-up.ts';
import { eventMeasures } from '../totals/event-measures.ts';
import type { AddedUp, GroupTotals } from '../totals/read-totals.ts';
import { bucketsOf, limitedByPoints } from './buckets.ts';
import { rankBy } from './ranking.ts';
import { groupMap, statisticsMessage } from './statistics-message.ts';

const [seriesDefault, seriesMax] = [20, 100];
const hoursDefault = 24;
export async function getTimeSeries(
  snapshots: Snapshots,
  request: GetTimeSeriesRequest,
  asker: Asker,
): Promise<GetTimeSeriesResponse> {
  const sinceMs = performance.now();
  const notes = new Notes();
  const filter = eventFilter(request.filter, {});
  const groupBy = readGroupBy('event', request.groupBy);
  const value = readValue(request.value, 'value');
  const asked = notes.limit('limit', request.limit, seriesDefault, seriesMax);
  return await snapshots.read(asker, async (snapshot) => {
    const range = readRange(request, snapshot.asOfUs, notes, hoursDefault);
    const asks = { kind: 'event', filter } as const;
    const buckets = await bucketsOf(snapshot, asks, request.width, range, notes);
    const { bordersUs } = buckets;
    // Of a quarter hour in part, up to all of the rows would be read too.
    const isRounded = buckets.isWider === true && range.isRelative;
    const startUs = isRounded ? bordersUs[0] : range.startUs;
    const span = { startUs, endUs: range.endUs ?? bordersUs.at(-1) };
    const measured = eventMeasures(value);
    const question = {
      ...asks,
      span,
      groupBy,
      bordersUs,
      measured,
      rolledValue: !value,
      quantiles: true,
    } as const;
    const limit = groupBy.length > 0 ? limitedByPoints(asked, buckets, notes) : 1;
    const found = await addUp(snapshot, question, { by: rankBy('event', measured, ''), limit });
    const times = bordersUs.map(timestampOfUs);
    const series = (each: GroupTotals) =>
      filled(TimeSeriesSchema, {
        group: groupMap(groupBy, each.group),
        total: statisticsMessage(each.totals),
        points: each.points.map((point, index) =>
          filled(TimePointSchema, {
            startTime: times[index],
            endTime: times[index + 1],
            statistics: statisticsMessage(point),
          }),
        ),
      });
    return create(GetTimeSeriesResponseSchema, {
      source: await answerSource(snapshot, {
        ...{ kind: 'event', ...found, span, notes, sinceMs },
        rounded: found.rounded ?? (isRounded ? span : undefined),
      }),
      width: buckets.width,
      series: groupBy.length === 0 ? [series(allOf(found))] : found.groups.map(series),
      ...(found.rest && { rest: series(found.rest) }),
      restGroups: found.restGroups,
    });
  });
}

const allOf = ({ total, allPoints }: AddedUp): GroupTotals => ({
  group: [],
  totals: total,
  points: allPoints(),
});
