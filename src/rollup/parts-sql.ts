import { type RawBuilder, sql } from 'kysely';
import { rowsOf } from '../database/older-names.ts';
import { isRolledTime } from '../database/rolled-time.ts';
import type { FreshParts, LevelColumns } from './fresh-parts.ts';
import { conditionOf, groupOf, marginOf, type Question } from './question.ts';
import { isApart, margin } from './series.ts';
import type { Parts, SpanMs } from './spans.ts';

/** What there is to read of. */
export interface PartsThere {
  readonly parts: Parts;
  readonly fresh: FreshParts;
  /** Whether rows that nobody has claimed yet answer too. */
  readonly hasOthers: boolean;
}

/** What is read of rows, and what becomes of it before it is a part beside others. */
export interface RowsRead {
  /** Of a row of the table `source` itself. */
  readonly ofRow: RawBuilder<unknown>;
  /** Of a query of some rows, with their group and period: one of parts. */
  readonly asParts: (rows: RawBuilder<unknown>) => Promise<RawBuilder<unknown>>;
  /** Whether they lie on workers, each statement about them being one to every shard. */
  readonly onWorkers?: boolean;
}

/** Each row as it is. */
export const eachRow = (ofRow: RawBuilder<unknown>): RowsRead => ({
  ofRow,
  asParts: async (rows) => rows,
});

/** What is read of a row of a level: `columns`, which are of that. */
export interface LevelRead {
  readonly what: LevelColumns;
  readonly columns: RawBuilder<unknown>;
}

/**
 * The tables `wanted`, of series, and `parts`, of what answers for a question, with its group and
 * period: `ofLevel` of a row of a level, beside which `is_apart` is said of its series.
 */
export async function partsAsTable(
  question: Question,
  { parts, fresh, hasOthers }: PartsThere,
  { what, columns: ofLevel }: LevelRead,
  { ofRow, asParts, onWorkers = false }: RowsRead,
): Promise<RawBuilder<unknown>> {
  const { shape, period } = question;
  const series = sql`(
    select *, ${isApart(shape, 'series')} as is_apart from ${sql.table(shape.seriesTable)} as series)`;
  const begin = (time: RawBuilder<unknown>) => period?.of(time) ?? sql`null::timestamptz`;
  const levels = parts.levels.map(
    (span) => sql`
      select "group", ${begin(sql`bucket`)} as period, ${ofLevel}
      from ${sql.table(shape.levelTables[span.level])} join wanted on id = series
      where ${within(sql`bucket`, span)}`,
  );
  const time = sql`source."timestamp"`;
  const rows = (condition: RawBuilder<unknown>) =>
    asParts(sql`
      select ${groupOf(question)}, ${begin(time)}, ${ofRow}
      from ${rowsOf(shape.kind)} as source
      where ${conditionOf(question)} and ${isRolledTime(time)} and ${condition}`);
  const spans = parts.rows.map((span) => within(time, span));
  const isEdge = onWorkers && spans.length > 0 ? [sql`(${sql.join(spans, sql` or `)})`] : spans;
  const ofRows: RawBuilder<unknown>[] = [];
  for (const condition of hasOthers ? [...isEdge, isOfOthers(parts)] : isEdge) {
    ofRows.push(await rows(condition));
  }
  // What waits is of series alone, each of which belongs to a group.
  const waiting = sql`
    select ${groupOf(question)}, ${begin(sql`bucket`)}, ${ofLevel}
    from ${fresh.asTable(parts, what)} as fresh join ${series} as known on id = series
    where margin in (${margin.series}, ${margin.rest}) and ${conditionOf(question)}`;
  // Names the columns, also where no level answers.
  const names = sql`
    select "group", null::timestamptz as period, ${ofLevel}
    from ${sql.table(shape.levelTables.quarter)} join wanted on id = series where false`;
  return sql`
    wanted as materialized (
      select id, ${groupOf(question)} as "group", is_apart from ${series} as known
      where margin = ${marginOf(question)} and ${conditionOf(question)}
    ), parts as (${sql.join([names, ...levels, waiting, ...ofRows], sql` union all `)})`;
}

function within(time: RawBuilder<unknown>, { fromMs, toMs }: SpanMs): RawBuilder<boolean> {
  const end = toMs === Infinity ? sql`'infinity'` : sql`${timeText(toMs)}::timestamptz`;
  return sql<boolean>`${time} >= ${timeText(fromMs)}::timestamptz and ${time} < ${end}`;
}

/** With microseconds, as PostgreSQL keeps times. */
function timeText(ms: number): string {
  const us = Math.round((ms - Math.floor(ms)) * 1000);
  return new Date(ms).toISOString().replace('Z', `${String(us).padStart(3, '0')}Z`);
}

/** Whether a row of the table `source` is one that levels lack, in what they answer for. */
export const isOfOthers = (parts: Parts): RawBuilder<boolean> => {
  const time = sql`source."timestamp"`;
  return sql<boolean>`source.rolled is false and ${isRolledTime(time)} and ${withinAny(time, parts)}`;
};

/** What levels answer for. */
function withinAny(time: RawBuilder<unknown>, { levels, rows }: Parts): RawBuilder<boolean> {
  if (levels.length === 0) return sql<boolean>`false`;
  const whole = {
    fromMs: Math.min(...levels.map(({ fromMs }) => fromMs)),
    toMs: Math.max(...levels.map(({ toMs }) => toMs)),
  };
  const others = rows.map((span) => sql`not (${within(time, span)})`);
  return sql<boolean>`(${sql.join([within(time, whole), ...others], sql` and `)})`;
}
