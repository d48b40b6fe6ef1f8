import { type Kysely, type RawBuilder, sql } from 'kysely';
import type { Database } from '../database/schema.ts';
import { tables } from '../records/tables.ts';
import { dayMs, hourMs } from '../units.ts';
import { answeredFrom, readFloors } from './floors.ts';
import { addUp, type FreshRow } from './fold.ts';
import { addMeasures, type Measures, type MeasuresRow, measuresOf } from './measures.ts';
import { sumOfDoubles } from './merge.ts';
import { isRolledTime, sumOf } from './pack-sql.ts';
import { margin } from './series.ts';
import { type Level, quarterMs, quartersIn, type Shape } from './shapes.ts';
import { readState, type Trx, timeOf } from './state.ts';

/** What is asked of all series that meet a condition. */
export interface Question {
  readonly shape: Shape;
  /** On dimensions, which the table of series and that of rows have by the same names. */
  readonly condition: RawBuilder<unknown>;
  readonly from: Date;
  /** A dimension whose values are told apart; absent: none. */
  readonly by?: string;
  /** Whether UTC days are told apart. */
  readonly byDay?: boolean;
}

/** What some records add up to. */
export interface Totals extends Measures {
  readonly group: string | null;
  /** When the day begins; absent where days are not told apart. */
  readonly day?: Date;
  /** By the order of the shape's sums; undefined where no record has any. */
  readonly sums: (number | undefined)[];
}

/**
 * Totals as of now, of all that is stored: what is rolled up, what waits for that, rows of others,
 * and, before the first whole quarter hour, the rows themselves. Undefined where the rollups don't
 * know: older rows are still being read, or series were rolled up as the rest. What is asked for from
 * a time on whose rows are gone begins with the quarter hour, hour or day that it lies in.
 */
export async function readRollups(
  db: Kysely<Database>,
  question: Question,
): Promise<Totals[] | undefined> {
  // All of it as it was at one moment: between two of them records move.
  return await db
    .transaction()
    .setIsolationLevel('repeatable read')
    .execute(async (trx) => {
      await sql`set local jit = off`.execute(trx);
      if (!(await isComplete(trx, question.shape))) return undefined;
      const fromMs = answeredFrom(
        question.from.getTime(),
        question.shape.kind,
        await readFloors(trx),
      );
      const answered = { ...question, from: new Date(fromMs) };
      const groups = new Groups(answered);
      for (const row of await readLevels(trx, answered)) groups.add(row);
      for (const row of await readFresh(trx, answered)) groups.add(row);
      return groups.all;
    });
}

async function isComplete(trx: Trx, shape: Shape): Promise<boolean> {
  const { rows } = await sql<{ complete: boolean }>`
    select not exists (
      select from rollup_history where kind = ${shape.kind} and finished_at is null
    ) and not exists (
      select from ${sql.table(shape.seriesTable)} where margin = ${margin.rest}
    ) as complete`.execute(trx);
  return rows[0]?.complete === true;
}

class Groups {
  readonly #found = new Map<string, Totals>();
  readonly #byDay: boolean;

  constructor({ byDay = false }: Question) {
    this.#byDay = byDay;
  }

  get all(): Totals[] {
    return [...this.#found.values()];
  }

  add(more: Totals): void {
    const { group, day } = more;
    const name = JSON.stringify([group, this.#byDay ? day : null]);
    const known = this.#found.get(name);
    if (!known) {
      this.#found.set(name, more);
      return;
    }
    addTotals(known, more);
  }
}

/** Adds some totals to others, whatever they are of. */
export function addTotals(known: Totals, more: Totals): void {
  addMeasures(known, more);
  for (const [index, sum] of more.sums.entries()) {
    if (sum !== undefined) known.sums[index] = (known.sums[index] ?? 0) + sum;
  }
}

interface Row extends MeasuresRow {
  readonly group: string | null;
  readonly day: Date | null;
  readonly sums: (string | null)[];
}

const totalsOf = ({ group, day, sums, ...measures }: Row): Totals => ({
  group,
  ...(day && { day }),
  ...measuresOf(measures),
  sums: sums.map((each) => (each === null ? undefined : Number(each))),
});

async function readLevels(trx: Trx, question: Question): Promise<Totals[]> {
  const { shape, condition, by, byDay } = question;
  const { settledAt } = await readState(trx);
  const names = sql.join(shape.sums.map((name) => sql.ref(name)));
  const columns = sql`bucket, "group", events, n, sum, min, max, ${names}`;
  const group = by === undefined ? sql`null::text` : sql.ref(by);
  const spans = spansOf(question.from.getTime(), settledAt.getTime());
  const ofLevels = spans.map(
    ({ level, fromMs, toMs }) => sql`
    select ${columns} from ${sql.table(shape.levelTables[level])} join wanted on id = series
    where bucket >= ${new Date(fromMs)}
      and bucket < ${toMs === Infinity ? sql`'infinity'` : sql`${new Date(toMs)}`}`,
  );
  const day = byDay ? sql`date_trunc('day', bucket, 'UTC')` : sql`null::timestamptz`;
  const sums = shape.sums.map((name) => sql`sum(${sql.ref(name)})::text`);
  const { rows } = await sql<Row>`
    with wanted as materialized (
      select id, ${group} as "group" from ${sql.table(shape.seriesTable)}
      where margin = ${margin.series} and ${condition}
    )
    select "group", ${day} as day, sum(events)::bigint as events, sum(n)::bigint as n,
      ${sumOfDoubles(sql`sum`)} as sum, min(min) as min, max(max) as max,
      array[${sql.join(sums)}] as sums
    from (${sql.join([...ofLevels, rawRows(question, group)], sql` union all `)}) as parts
    group by 1, 2`.execute(trx);
  return rows.map(totalsOf);
}

/** Rows that no level has: those before the first whole quarter hour, and those of others. */
function rawRows({ shape, condition, from }: Question, group: RawBuilder<unknown>) {
  const whole = new Date(ceiled(from.getTime(), quarterMs));
  const value = sql`(case when ${sql.ref(shape.value)} not in ('NaN', 'Infinity', '-Infinity')
    then ${sql.ref(shape.value)} end)`;
  const sums = shape.sums.map((name) => sql`${sumOf(shape, name, 'source')}`);
  const table = sql.table(tables[shape.kind].name);
  const rows = (more: RawBuilder<unknown>) => sql`
    select "timestamp", ${group}, 1, num_nonnulls(${value}), ${value}, ${value}, ${value},
      ${sql.join(sums)}
    from ${table} as source
    where ${condition} and ${isRolledTime(sql`"timestamp"`)} and ${more}`;
  return sql`
    ${rows(sql`"timestamp" >= ${from} and "timestamp" < ${whole}`)} union all
    ${rows(sql`"timestamp" >= ${whole} and rolled is false`)}`;
}

interface LevelSpan {
  readonly level: Level;
  readonly fromMs: number;
  readonly toMs: number;
}

const ceiled = (ms: number, length: number): number => Math.ceil(ms / length) * length;
const floored = (ms: number, length: number): number => Math.floor(ms / length) * length;

/** The coarsest levels of which whole buckets lie in a span without end. */
function spansOf(fromMs: number, settledMs: number): LevelSpan[] {
  const first = ceiled(fromMs, quarterMs);
  const hoursFrom = ceiled(first, hourMs);
  const hoursTo = Math.max(hoursFrom, floored(settledMs, hourMs));
  const daysFrom = Math.min(ceiled(hoursFrom, dayMs), hoursTo);
  const daysTo = Math.max(daysFrom, floored(hoursTo, dayMs));
  const spans: LevelSpan[] = [
    { level: 'quarter', fromMs: first, toMs: hoursFrom },
    { level: 'hour', fromMs: hoursFrom, toMs: daysFrom },
    { level: 'day', fromMs: daysFrom, toMs: daysTo },
    { level: 'hour', fromMs: daysTo, toMs: hoursTo },
    { level: 'quarter', fromMs: hoursTo, toMs: Infinity },
  ];
  return spans.filter(({ fromMs: from, toMs: to }) => from < to);
}

/** What waits to be folded. */
async function readFresh(trx: Trx, { shape, condition, from, by }: Question): Promise<Totals[]> {
  const { rows } = await sql<FreshRow>`
    select kind, events, data from rollup_fresh where kind = ${shape.kind}`.execute(trx);
  if (rows.length === 0) return [];
  const totals = addUp(shape, rows);
  const { firsts, seconds, size } = totals.places;
  const wanted = await sql<{ id: number; group: string | null }>`
    select id, ${by === undefined ? sql`null::text` : sql.ref(by)} as "group"
    from ${sql.table(shape.seriesTable)}
    where margin = ${margin.series} and ${condition}
      and id = any(${[...new Set(seconds.subarray(0, size))]}::int[])`.execute(trx);
  const groups = new Map(wanted.rows.map(({ id, group }) => [id, group]));
  const found: Totals[] = [];
  for (let place = 0; place < size; place++) {
    const group = groups.get(seconds[place] as number);
    const quarter = firsts[place] as number;
    if (group === undefined || timeOf(quarter).getTime() < ceiled(from.getTime(), quarterMs))
      continue;
    found.push({
      group,
      day: timeOf(floored(quarter, quartersIn.day)),
      events: totals.events[place] as number,
      n: totals.n[place] as number,
      sum: totals.sum[place] as number,
      min: totals.min[place] as number,
      max: totals.max[place] as number,
      sums: totals.given.map((_, index) => {
        const whole = totals.wholeAt(index, place);
        return whole === undefined ? undefined : Number(whole);
      }),
    });
  }
  return found;
}
