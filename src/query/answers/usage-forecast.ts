import type { MessageInitShape } from '@bufbuild/protobuf';
import type { UsageForecastSchema } from '../../../gen/typescript/gravitas/telemetry/v1/query_pb.js';
import { startOfDate, zoned } from '../ask/calendar.ts';
import { timestampOfUs } from '../ask/instants.ts';
import type { Snapshot } from '../ask/snapshot.ts';
import type { Range } from '../ask/time-range.ts';
import { present } from '../messages.ts';
import { addUp } from '../totals/add-up.ts';
import type { Question } from '../totals/parts.ts';
import type { Totals } from '../totals/places.ts';
import { type ComingDay, type Day, forecast, methodOf } from './forecast.ts';
import { rankBy } from './ranking.ts';

const daysMax = 28;

/**
 * What the present period of the calendar comes to; undefined where it is not the present one, and
 * where no day has ended since the first record.
 */
export async function usageForecast(
  snapshot: Snapshot,
  question: Question,
  { period, zone }: Range,
  soFar: Totals,
): Promise<MessageInitShape<typeof UsageForecastSchema> | undefined> {
  const nowUs = snapshot.asOfUs;
  if (!period || nowUs < period.startUs || nowUs >= period.endUs) return undefined;
  const today = zoned(nowUs, zone).toPlainDate();
  const dates = Array.from({ length: daysMax + 1 }, (_, index) =>
    today.subtract({ days: daysMax - index }),
  );
  const bordersUs = dates.map((date) => startOfDate(date, zone));
  const span = { startUs: bordersUs[0], endUs: bordersUs.at(-1) };
  const asked = { ...question, span, groupBy: [], bordersUs, quantiles: false };
  const by = rankBy('usage', question.measured, '');
  const points = (await addUp(snapshot, asked, { by, limit: 1 })).allPoints();
  // Before there was anything, nothing came for another reason.
  const first = points.findIndex(({ sums }) => (sums.requests ?? 0) > 0);
  const days = first < 0 ? [] : points.slice(first);
  const weekdays = dates
    .slice(0, -1)
    .map(({ dayOfWeek }) => dayOfWeek)
    .slice(Math.max(0, first));
  const coming = comingDays(nowUs, period.endUs, zone);
  const of = (name: string) => {
    const past: Day[] = days.map(({ sums }, index) => ({
      weekday: weekdays[index] as number,
      amount: sums[name] ?? 0,
    }));
    return forecast(soFar.sums[name] ?? 0, past, coming);
  };
  const hasCost = [...days, soFar].some(({ sums }) => (sums.requests ?? 0) > (sums.unpriced ?? 0));
  if (days.length === 0) return undefined;
  const cost = hasCost ? of('cost_usd') : undefined;
  const [tokens, requests] = [of('total_tokens'), of('requests')];
  return {
    endTime: timestampOfUs(period.endUs),
    ...present('costUsd', cost?.all ?? null),
    ...present('totalTokens', tokens?.all ?? null),
    ...present('requests', requests?.all ?? null),
    method: methodOf(days.length),
    days: days.length,
    coming: coming.map(({ startUs, endUs }, index) => ({
      startTime: timestampOfUs(startUs),
      endTime: timestampOfUs(endUs),
      ...present('costUsd', cost?.byDay[index] ?? null),
      totalTokens: tokens?.byDay[index] ?? 0,
      requests: requests?.byDay[index] ?? 0,
    })),
  };
}

interface PlacedDay extends ComingDay {
  readonly startUs: number;
  readonly endUs: number;
}

/** The rest of today, and the days after it up to the end. */
function comingDays(nowUs: number, endUs: number, zone: string): PlacedDay[] {
  const coming: PlacedDay[] = [];
  let date = zoned(nowUs, zone).toPlainDate();
  for (;;) {
    const next = date.add({ days: 1 });
    const [from, to] = [startOfDate(date, zone), startOfDate(next, zone)];
    if (from >= endUs) return coming;
    const startUs = Math.max(from, nowUs);
    const share = (to - startUs) / (to - from);
    coming.push({ weekday: date.dayOfWeek, share, startUs, endUs: to });
    date = next;
  }
}
