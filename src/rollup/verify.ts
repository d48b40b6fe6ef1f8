import { type Kysely, sql } from 'kysely';
import type { Database } from '../database/schema.ts';
import { dayMs } from '../units.ts';
import { compare, merged } from './compare.ts';
import { bucketOf } from './merge.ts';
import { refuseHistory, type Span, wholeSpan } from './rebuild.ts';
import { margin } from './series.ts';
import { levels, type Shape, shapes } from './shapes.ts';
import { readState, timeOf } from './state.ts';
import { freshTotals, rawTotals, rolledTotals } from './verified-totals.ts';

/** Something that is rolled up otherwise than the rows say. */
interface Difference {
  readonly table: string;
  readonly bucket: Date;
  /** What differs, for people. */
  readonly what: string;
}

export interface Verified {
  readonly span: Span | undefined;
  readonly differences: readonly Difference[];
}

/** More are not worth listing. */
const differencesMax = 1000;

/**
 * Compares what is rolled up with the rows, day by day, each as it is at one moment: totals of each
 * quarter hour first, and series by series those that differ. Then the levels with each other.
 */
export async function verify(db: Kysely<Database>, wanted: Partial<Span>): Promise<Verified> {
  for (const shape of shapes) await refuseHistory(db, shape);
  const span = await wholeSpan(db, wanted);
  if (!span) return { span, differences: [] };
  const differences: Difference[] = [];
  const [fromMs, toMs] = [span.from.getTime(), span.to.getTime()];
  for (let ms = fromMs; ms < toMs && differences.length < differencesMax; ms += dayMs) {
    const day = { from: new Date(ms), to: new Date(Math.min(ms + dayMs, toMs)) };
    for (const shape of shapes) differences.push(...(await verifyDay(db, shape, day)));
  }
  for (const shape of shapes) differences.push(...(await verifyLevels(db, shape, span)));
  return { span, differences: differences.slice(0, differencesMax) };
}

async function verifyDay(db: Kysely<Database>, shape: Shape, day: Span): Promise<Difference[]> {
  return await db
    .transaction()
    .setIsolationLevel('repeatable read')
    .execute(async (trx) => {
      await sql`set local jit = off`.execute(trx);
      const fresh = await freshTotals(trx, shape, day);
      const cheap = compare(
        await rawTotals(trx, shape, day, false),
        merged(
          await rolledTotals(trx, shape, day, false),
          fresh.map((each) => ({ ...each, series: 0 })),
        ),
      );
      const found: Difference[] = [];
      for (const quarter of new Set(cheap.map((each) => each.quarter))) {
        const span = { from: timeOf(quarter), to: timeOf(quarter + 1) };
        const rolled = merged(
          await rolledTotals(trx, shape, span, true),
          fresh.filter((each) => each.quarter === quarter),
        );
        for (const each of compare(await rawTotals(trx, shape, span, true), rolled)) {
          found.push({ table: shape.levelTables.quarter, bucket: span.from, what: each.what });
        }
      }
      return found;
    });
}

/** Whether every level and margin counts the same. */
async function verifyLevels(
  db: Kysely<Database>,
  shape: Shape,
  { from, to }: Span,
): Promise<Difference[]> {
  const { settledAt } = await readState(db);
  const counts = levels.map(
    (level) => sql`
    select ${level}::text as level, ${bucketOf('day', sql`bucket`)} as day,
      case when margin = ${margin.rest} then ${margin.series} else margin end as margin,
      sum(events) as events, sum(n) as n, sum((select sum(c) from unnest(counts) as c)) as counted
    from ${sql.table(shape.levelTables[level])} join ${sql.table(shape.seriesTable)} on id = series
    where bucket >= ${bucketOf('day', sql`${from}::timestamptz`)}
      and bucket < least(${bucketOf('day', sql`${to}::timestamptz`)} + interval '24 hours', ${settledAt})
    group by 1, 2, 3`,
  );
  const { rows } = await sql<{ day: Date; levels: string }>`
    select day, string_agg(level || ' ' || margin || ' ' || events, ', ') as levels
    from (${sql.join(counts, sql` union all `)}) as counts
    group by day
    having count(distinct events) filter (where margin in (${margin.series}, ${margin.all})) > 1
      or count(distinct n) filter (where margin in (${margin.series}, ${margin.all})) > 1
      or bool_or(n <> coalesce(counted, 0))
    order by day limit ${differencesMax}`.execute(db);
  return rows.map(({ day, levels: what }) => ({
    table: shape.levelTables.day,
    bucket: day,
    what: `levels and margins count differently: ${what}`,
  }));
}
