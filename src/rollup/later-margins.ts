import { type Kysely, type RawBuilder, sql } from 'kysely';
import type { Database } from '../database/schema.ts';
import { type Part, workOnPart } from './levels-of-before.ts';
import { insertMerged } from './merge.ts';
import { marginOf, type Question } from './question.ts';
import { isApart, margin } from './series.ts';
import {
  type LaterMargin,
  type Level,
  levelColumns,
  levels,
  measureColumns,
  type Shape,
  shapes,
} from './shapes.ts';
import type { LevelSpan } from './spans.ts';
import { lockState, type RollupWriter, type Trx } from './state.ts';

/** What a collector of the release before may have folded without them is looked at for so long. */
const lookedAtAgain = sql`interval '2 days'`;

/**
 * Writes margins that the release before does not know into levels of before; false where nothing is
 * left, or another collector is at work.
 */
export async function addLaterMargins(writer: RollupWriter): Promise<boolean> {
  return await workOnPart(writer, {
    marker: 'margins_from',
    by: 'hour',
    shapes,
    levels,
    to: complete,
  });
}

/** Adds what lacks of the last days, which a collector of the release before has folded. */
export async function completeMargins(writer: RollupWriter): Promise<void> {
  await writer.transaction(async (trx) => {
    if (!(await lockState(trx, false))) return;
    const part = { begin: sql`now() - ${lookedAtAgain}`, end: sql`'infinity'` };
    for (const shape of shapes) {
      for (const level of levels) await complete(trx, shape, level, part);
    }
  });
}

/** Computes the margins anew in the buckets of a level that lack some, as its series have it. */
async function complete(trx: Trx, shape: Shape, level: Level, { begin, end }: Part): Promise<void> {
  const table = sql.table(shape.levelTables[level]);
  const series = sql.table(shape.seriesTable);
  const isWithin = sql`bucket >= ${begin} and bucket < ${end}`;
  for (const later of shape.laterMargins) {
    const { rows } = await sql<{ buckets: Date[] }>`
      select array(${lacking(shape, level, later, isWithin)}) as buckets`.execute(trx);
    const buckets = rows[0]?.buckets ?? [];
    if (buckets.length === 0) continue;
    const isLacking = sql`bucket = any(${buckets}::timestamptz[])`;
    await sql`
      with whole as materialized (
        select each.id as part, each.is_apart, whole.id
        from (select *, ${isApart(shape, 'series')} as is_apart from ${series} as series) as each
          cross join unnest(each.margins) as of (id) join ${series} as whole on whole.id = of.id
        where each.margin = ${margin.series} and whole.margin = ${later.name}
      ), gone as (
        delete from ${table} as level using ${series} as series
        where ${isLacking} and level.series = series.id and margin = ${later.name}
      ), d as (
        select ${sql.join(levelColumns(shape).map((name) => ofWhole(shape, name)))}
        from ${table} as level join whole on part = series where ${isLacking}
      ) ${insertMerged(shape, level, sql`bucket`)}`.execute(trx);
  }
}

/** A column of a level's row of a series, as it is of a margin. */
function ofWhole({ apart, count }: Shape, name: string): RawBuilder<unknown> {
  if (name === 'series') return sql`whole.id as series`;
  if (name !== apart?.name) return sql.ref(`level.${name}`);
  return sql`case when is_apart then ${sql.ref(count)} else 0 end as ${sql.ref(name)}`;
}

/**
 * The buckets in which a margin has something else than those that add up to the same. Series by
 * series, by an index: those of margins are few among all that a bucket has.
 */
function lacking(
  shape: Shape,
  level: Level,
  { name, within }: LaterMargin,
  condition: RawBuilder<unknown>,
): RawBuilder<unknown> {
  const counted = [
    shape.count,
    ...shape.values.flatMap(({ prefix }) => countsOf.map((each) => prefix + each)),
    ...shape.sums.map((each) => each.name),
  ];
  const sign = sql`case when margin = ${name} or margin = ${margin.rest} then -1 else 1 end`;
  const differ = counted.map((each) => sql`sum(${sign} * ${sql.ref(each)}) <> 0`);
  const buckets = within.map((known) => {
    const isAll = known === margin.all;
    const names = isAll ? [name, known, margin.rest] : [name, known];
    return sql`
      select bucket
      from ${sql.table(shape.seriesTable)} as whole cross join lateral (
        select * from ${sql.table(shape.levelTables[level])}
        where series = whole.id and ${condition} offset 0
      ) as level
      where margin = any(${names}::text[])
      group by bucket ${isAll ? sql`` : sql`, ${sql.ref(known)}`}
      having ${sql.join(differ, sql` or `)}`;
  });
  return sql.join(buckets, sql` union all `);
}

/** What is counted of a value: no rounding makes a difference of that. */
const countsOf = measureColumns.filter((name) => !['sum', 'min', 'max'].includes(name));

/** Whether rows of the margin that answers a question lack something in some spans of levels. */
export async function lacksMargin(
  trx: Trx,
  question: Question,
  spans: readonly LevelSpan[],
): Promise<boolean> {
  const { shape } = question;
  const name = marginOf(question);
  const later = shape.laterMargins.find((each) => each.name === name);
  if (!later || spans.length === 0) return false;
  const looks = spans.map(({ level, fromMs, toMs }) => {
    const until = Number.isFinite(toMs) ? sql`and bucket < ${new Date(toMs)}` : sql``;
    const isWithin = sql`bucket >= ${new Date(fromMs)} ${until}`;
    return sql`exists (${lacking(shape, level, later, isWithin)})`;
  });
  const { rows } = await sql<{ lacks: boolean }>`
    select ${sql.join(looks, sql` or `)} as lacks`.execute(trx);
  return rows[0]?.lacks === true;
}

/** Margins that are not there for all times yet. */
export async function unfinishedMargins(
  db: Kysely<Database>,
  shape: Shape,
): Promise<readonly string[]> {
  const { rows } = await sql`select from rollup_state where margins_from > '-infinity'`.execute(db);
  return rows.length > 0 ? shape.laterMargins.map(({ name }) => name) : [];
}
