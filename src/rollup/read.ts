import { type Kysely, sql } from 'kysely';
import type { Database } from '../database/schema.ts';
import { answeredFrom, answeredTo, type Floors, levelFrom, readFloors } from './floors.ts';
import { type FreshParts, readFresh } from './fresh-parts.ts';
import { partsAsTable } from './parts-sql.ts';
import { type Group, marginOf, type Question } from './question.ts';
import { margin } from './series.ts';
import type { Shape } from './shapes.ts';
import { withSketches } from './sketches.ts';
import { type Parts, partsOf, type SpanMs } from './spans.ts';
import { readState, type Trx } from './state.ts';
import {
  addedColumns,
  addedUp,
  columnsOfRow,
  type TotalsRow,
  totalColumns,
  totalsOf,
} from './totals.ts';

/** More parts of a span than these, and the rows answer for all of it. */
const rowSpansMax = 100;

/** What answers a question, as of the snapshot that a transaction has. */
interface Found {
  readonly parts: Parts;
  /** What waits to be folded. */
  readonly fresh: FreshParts;
  /** What it is of: where rows are gone, whole quarter hours, hours or days around what was asked for. */
  readonly span: SpanMs;
}

interface Answer extends Omit<Found, 'fresh'> {
  readonly groups: Group[];
  readonly asOf: Date;
}

/**
 * Totals as of now, of all that is stored: what is rolled up, what waits for that, rows of others,
 * and, at the edges, the rows themselves. Undefined where the rollups don't know.
 */
export async function readRollups(
  db: Kysely<Database>,
  question: Question,
): Promise<Answer | undefined> {
  // All of it as it was at one moment: between two of them records move.
  return await db
    .transaction()
    .setIsolationLevel('repeatable read')
    .execute(async (trx) => {
      const { rows } = await sql<{ now: Date }>`
        select now(), set_config('jit', 'off', true)`.execute(trx);
      const found = await findParts(trx, question);
      if (!found) return undefined;
      const { parts, span } = found;
      return {
        groups: await answer(trx, question, found),
        parts,
        span,
        asOf: rows[0]?.now as Date,
      };
    });
}

/**
 * What answers a question, for `partsAsTable`, in a transaction that is REPEATABLE READ. Undefined
 * where the rollups don't know: older rows are still being read, records were rolled up as the rest
 * whose dimensions are asked for, or too much is about to be computed anew.
 */
async function findParts(trx: Trx, question: Question): Promise<Found | undefined> {
  if (!(await isComplete(trx, question))) return undefined;
  const floors = await readFloors(trx);
  const fresh = await readFresh(trx, question);
  const span = answeredSpan(question, floors);
  const holes = await holesOf(trx, question.shape, fresh, floors);
  const coarsest = levelFrom(span.fromMs, question.period?.coarsest ?? 'day', floors);
  const { settledAt } = await readState(trx);
  const parts = partsOf(span, holes, settledAt.getTime(), coarsest);
  return parts.rows.length > rowSpansMax ? undefined : { parts, fresh, span };
}

async function isComplete(trx: Trx, question: Question): Promise<boolean> {
  const { kind, seriesTable } = question.shape;
  const isOfAll = marginOf(question) === margin.all;
  const { rows } = await sql<{ complete: boolean }>`
    select not exists (
      select from rollup_history where kind = ${kind} and finished_at is null
    ) and (${isOfAll} or not exists (
      select from ${sql.table(seriesTable)} where margin = ${margin.rest}
    )) as complete`.execute(trx);
  return rows[0]?.complete === true;
}

/** Where rows are gone, whole buckets of levels are all that can be answered for. */
function answeredSpan({ shape: { kind }, from, to }: Question, floors: Floors): SpanMs {
  const fromMs = answeredFrom(from.getTime(), kind, floors);
  const toMs = to ? answeredTo(to.getTime(), kind, floors) : Infinity;
  return { fromMs, toMs: Math.max(fromMs, toMs) };
}

/** Quarter hours whose extremes were taken away, folded or not. */
async function holesOf(
  trx: Trx,
  { kind }: Shape,
  { removedMs }: FreshParts,
  { rowsMs }: Floors,
): Promise<number[]> {
  const { rows } = await sql<{ ms: number }>`
    select (extract(epoch from bucket) * 1000)::float8 as ms from rollup_repairs
    where kind = ${kind}`.execute(trx);
  const all = new Set([...removedMs, ...rows.map(({ ms }) => ms)]);
  return [...all].filter((ms) => ms >= rowsMs[kind]).sort((a, b) => a - b);
}

interface Row extends TotalsRow {
  readonly group: (string | null)[];
  readonly period: Date | null;
}

async function answer(trx: Trx, question: Question, { parts, fresh }: Found): Promise<Group[]> {
  const { shape } = question;
  const { rows } = await sql<Row>`
    with ${partsAsTable(question, parts, fresh, addedColumns(shape), columnsOfRow(shape))}
    select "group", period, ${totalColumns(shape)}
    from (select "group", period, ${addedUp(shape)} from parts group by 1, 2) as added`.execute(
    trx,
  );
  const groups = rows.map(
    ({ group, period, ...row }): Group => ({ group, ...(period && { period }), ...totalsOf(row) }),
  );
  return question.sketches ? await withSketches(trx, question, parts, fresh, groups) : groups;
}
