import { type Kysely, type RawBuilder, sql } from 'kysely';
import type { Database } from '../database/schema.ts';
import { noMeasures } from '../rollup/measures.ts';
import { addTotals, type Question, readRollups, type Totals } from '../rollup/read.ts';
import { eventShape } from '../rollup/shapes.ts';
import { dayMs, hourMs } from '../units.ts';
import { decimalMean } from './decimal-mean.ts';
import { hasShownTime } from './events.ts';
import {
  type ComponentStatistics,
  groupsMax,
  type ModelTrend,
  statistics as rawStatistics,
  trends as rawTrends,
  type StatisticsFilter,
  type Trends,
  type TrendsFilter,
} from './statistics.ts';

/** Where an answer comes from. */
export interface Sourced {
  readonly source: 'rows' | 'rollups';
  /** What was stored before is in it. */
  readonly asOf: Date;
}

const tokensGenerated = eventShape.sums.indexOf('tokens_generated');
const totalTokens = eventShape.sums.indexOf('total_tokens');

/** From rollups, or from the rows where these don't know: the answers are the same. */
export async function statistics(
  db: Kysely<Database>,
  filter: StatisticsFilter,
): Promise<Awaited<ReturnType<typeof rawStatistics>> & Sourced> {
  const asOf = new Date();
  const found = await readRollups(db, {
    shape: eventShape,
    condition: ofEvents(filter.eventType, filter.component),
    from: new Date(asOf.getTime() - filter.hours * hourMs),
    by: 'component',
  });
  if (!found) return { ...(await rawStatistics(db, filter)), source: 'rows', asOf };
  const components = found
    .map((totals) => ({ component: totals.group, ...statisticsOf(totals) }))
    .sort(byCount)
    .slice(0, groupsMax);
  const overall = { component: null, ...statisticsOf(addUp(found)) };
  return { overall, components, source: 'rollups', asOf };
}

function ofEvents(eventType: string, component: string): RawBuilder<unknown> {
  const type = eventType === '' ? sql`true` : sql`event_type = ${eventType}`;
  return component === '' ? type : sql`${type} and component = ${component}`;
}

interface Counted {
  readonly component: string | null;
  readonly measurement_count: number;
}

/** Most first, then by name. */
const byCount = (a: Counted, b: Counted): number =>
  b.measurement_count - a.measurement_count ||
  Number(a.component === null) - Number(b.component === null) ||
  ((a.component ?? '') < (b.component ?? '') ? -1 : 1);

function addUp(parts: readonly Totals[]): Totals {
  const total: Totals = {
    group: null,
    ...noMeasures,
    sums: eventShape.sums.map(() => undefined),
  };
  for (const part of parts) addTotals(total, part);
  return total;
}

const statisticsOf = (totals: Totals): Omit<ComponentStatistics, 'component'> => ({
  measurement_count: totals.events,
  avg_efficiency_score: decimalMean(totals.sum, totals.n),
  best_efficiency: totals.n === 0 ? null : totals.min,
  worst_efficiency: totals.n === 0 ? null : totals.max,
  total_tokens: whole(totals.sums[tokensGenerated]),
});

/** Within what a number holds exactly. */
const whole = (sum: number | undefined): number | null =>
  sum === undefined
    ? null
    : Math.min(Number.MAX_SAFE_INTEGER, Math.max(-Number.MAX_SAFE_INTEGER, sum));

/** The same of `trends`. */
export async function trends(
  db: Kysely<Database>,
  filter: TrendsFilter,
): Promise<Trends & Sourced> {
  const { days, component, overallOfAllEvents } = filter;
  const asOf = new Date();
  const from = new Date(asOf.getTime() - days * dayMs);
  const ask = (eventType: string, more: Partial<Question>) =>
    readRollups(db, {
      shape: eventShape,
      condition: ofEvents(eventType, component),
      from,
      by: 'component',
      ...more,
    });
  const daily = await ask('THOUGHT_LATENCY', { byDay: true });
  const all = overallOfAllEvents ? await ask('', {}) : daily;
  if (!daily || !all) return { ...(await rawTrends(db, filter)), source: 'rows', asOf };
  const overall = {
    total_measurements: all.reduce((sum, { events }) => sum + events, 0),
    unique_models: new Set(all.map(({ group }) => group).filter((group) => group !== null)).size,
    ...(await bounds(db, ofEvents(overallOfAllEvents ? '' : 'THOUGHT_LATENCY', component), from)),
  };
  const models = [...Map.groupBy(daily, ({ group }) => group)].map(([name, parts]) =>
    trendOf(name, parts),
  );
  return { overall, models: models.sort(byCount).slice(0, groupsMax), source: 'rollups', asOf };
}

function trendOf(component: string | null, parts: readonly Totals[]): ModelTrend {
  const total = addUp(parts);
  const days = parts.toSorted((a, b) => (a.day?.getTime() ?? 0) - (b.day?.getTime() ?? 0));
  return {
    component,
    avg_efficiency: decimalMean(total.sum, total.n),
    measurement_count: total.events,
    total_tokens_processed: whole(total.sums[totalTokens]) ?? 0,
    days: days.map(({ day = new Date(0), sum, n, events }) => ({
      day: day.toISOString(),
      avg_efficiency: decimalMean(sum, n),
      measurement_count: events,
    })),
  };
}

/** The first and the last time: each is at an end of an index. */
async function bounds(
  db: Kysely<Database>,
  condition: RawBuilder<unknown>,
  from: Date,
): Promise<{ oldest_record: Date | null; newest_record: Date | null }> {
  const end = (direction: RawBuilder<unknown>) => sql`(
    select "timestamp" from system_telemetry
    where "timestamp" >= ${from} and ${hasShownTime} and ${condition}
    order by "timestamp" ${direction} limit 1)`;
  const { rows } = await sql<{ oldest_record: Date | null; newest_record: Date | null }>`
    select ${end(sql`asc`)} as oldest_record, ${end(sql`desc`)} as newest_record`.execute(db);
  return rows[0] as { oldest_record: Date | null; newest_record: Date | null };
}
