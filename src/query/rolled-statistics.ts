import { type Kysely, type RawBuilder, sql } from 'kysely';
import type { Database } from '../database/schema.ts';
import { decimalText } from '../rollup/decimals.ts';
import type { Decimal } from '../rollup/exact-sums.ts';
import { conditionOf, type Group, type Question, utcDays } from '../rollup/question.ts';
import { readRollups } from '../rollup/read.ts';
import { eventShape } from '../rollup/shapes.ts';
import { addTotals, type Measures, noTotals, type Totals } from '../rollup/totals.ts';
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

const sumNamed = (wanted: string): number =>
  eventShape.sums.findIndex(({ name }) => name === wanted);
const tokensGenerated = sumNamed('tokens_generated');
const totalTokens = sumNamed('total_tokens');

/** From rollups, or from the rows where these don't know: the answers are the same. */
export async function statistics(
  db: Kysely<Database>,
  filter: StatisticsFilter,
): Promise<Awaited<ReturnType<typeof rawStatistics>> & Sourced> {
  const asOf = new Date();
  const found = await readRollups(db, {
    shape: eventShape,
    where: ofEvents(filter.eventType, filter.component),
    from: new Date(asOf.getTime() - filter.hours * hourMs),
    by: ['component'],
  });
  if (!found) return { ...(await rawStatistics(db, filter)), source: 'rows', asOf };
  const components = found.groups
    .map((totals) => ({ component: componentOf(totals), ...statisticsOf(totals) }))
    .sort(byCount)
    .slice(0, groupsMax);
  const overall = { component: null, ...statisticsOf(addUp(found.groups)) };
  return { overall, components, source: 'rollups', asOf };
}

const ofEvents = (eventType: string, component: string): Question['where'] => ({
  ...(eventType !== '' && { event_type: [eventType] }),
  ...(component !== '' && { component: [component] }),
});

const componentOf = ({ group: [component = null] }: Group): string | null => component;

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
  const total = noTotals(eventShape);
  for (const part of parts) addTotals(total, part);
  return total;
}

function statisticsOf({ records, values, sums }: Totals): Omit<ComponentStatistics, 'component'> {
  const { n, sum, min, max } = values[0] as Measures;
  return {
    measurement_count: records,
    avg_efficiency_score: decimalMean(sum, n),
    best_efficiency: n === 0 ? null : min,
    worst_efficiency: n === 0 ? null : max,
    total_tokens: whole(sums[tokensGenerated]),
  };
}

/** Within what a number holds exactly. */
const whole = (sum: Decimal | undefined): number | null =>
  sum === undefined
    ? null
    : Math.min(
        Number.MAX_SAFE_INTEGER,
        Math.max(-Number.MAX_SAFE_INTEGER, Number(decimalText(sum))),
      );

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
      where: ofEvents(eventType, component),
      from,
      by: ['component'],
      ...more,
    });
  const daily = (await ask('THOUGHT_LATENCY', { period: utcDays }))?.groups;
  const all = overallOfAllEvents ? (await ask('', {}))?.groups : daily;
  if (!daily || !all) return { ...(await rawTrends(db, filter)), source: 'rows', asOf };
  const overall = {
    total_measurements: all.reduce((sum, { records }) => sum + records, 0),
    unique_models: new Set(all.map(componentOf).filter((component) => component !== null)).size,
    ...(await bounds(db, ofEvents(overallOfAllEvents ? '' : 'THOUGHT_LATENCY', component), from)),
  };
  const models = [...Map.groupBy(daily, componentOf)].map(([name, parts]) => trendOf(name, parts));
  return { overall, models: models.sort(byCount).slice(0, groupsMax), source: 'rollups', asOf };
}

function trendOf(component: string | null, parts: readonly Group[]): ModelTrend {
  const total = addUp(parts);
  const mean = ({ values }: Totals) => decimalMean(values[0]?.sum ?? 0, values[0]?.n ?? 0);
  const days = parts.toSorted((a, b) => (a.period?.getTime() ?? 0) - (b.period?.getTime() ?? 0));
  return {
    component,
    avg_efficiency: mean(total),
    measurement_count: total.records,
    total_tokens_processed: whole(total.sums[totalTokens]) ?? 0,
    days: days.map((day) => ({
      day: (day.period ?? new Date(0)).toISOString(),
      avg_efficiency: mean(day),
      measurement_count: day.records,
    })),
  };
}

/** The first and the last time: each is at an end of an index. */
async function bounds(
  db: Kysely<Database>,
  where: Question['where'],
  from: Date,
): Promise<{ oldest_record: Date | null; newest_record: Date | null }> {
  const end = (direction: RawBuilder<unknown>) => sql`(
    select "timestamp" from system_telemetry
    where "timestamp" >= ${from} and ${hasShownTime} and ${conditionOf({ where })}
    order by "timestamp" ${direction} limit 1)`;
  const { rows } = await sql<{ oldest_record: Date | null; newest_record: Date | null }>`
    select ${end(sql`asc`)} as oldest_record, ${end(sql`desc`)} as newest_record`.execute(db);
  return rows[0] as { oldest_record: Date | null; newest_record: Date | null };
}
