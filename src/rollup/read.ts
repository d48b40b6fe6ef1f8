import { sql } from 'kysely';
import { answeredFrom, answeredTo, type Floors, levelFrom, readFloors } from './floors.ts';
import { type FreshParts, readFresh } from './fresh-parts.ts';
import { marginOf, type Question } from './question.ts';
import { margin } from './series.ts';
import { type Level, levels, type Shape } from './shapes.ts';
import { type Parts, partsOf, type SpanMs } from './spans.ts';
import { readState, type Trx } from './state.ts';

/** More parts of a span than these, and the rows answer for all of it. */
const rowSpansMax = 100;

/** What answers for a question: `partsAsTable` makes a query of it. */
export interface Answering {
  readonly parts: Parts;
  readonly fresh: FreshParts;
  /** What it is of: where rows are gone, whole quarter hours, hours or days around what was asked for. */
  readonly span: SpanMs;
  /** Whether times within the span are known less finely than was asked for. */
  readonly isCoarse: boolean;
}

/**
 * All that is stored, as of the transaction's snapshot: what is rolled up, what waits for that, rows
 * of others, and, at the edges, the rows themselves. Between two moments records move: it has to be
 * one. Undefined where the rollups don't know: older rows are still being read, or records were
 * rolled up as the rest, whose dimensions are asked for.
 */
export async function findParts(trx: Trx, question: Question): Promise<Answering | undefined> {
  if (!(await isComplete(trx, question))) return undefined;
  const floors = await readFloors(trx);
  const fresh = await readFresh(trx, question);
  const span = answeredSpan(question, floors);
  const holes = await holesOf(trx, question.shape, fresh, floors);
  const wanted: Level = question.period?.coarsest ?? 'day';
  const coarsest = levelFrom(span.fromMs, wanted, floors);
  const { settledAt } = await readState(trx);
  const parts = partsOf(span, holes, settledAt.getTime(), coarsest);
  if (parts.rows.length > rowSpansMax) return undefined;
  const isCoarse = levels.indexOf(coarsest) > levels.indexOf(wanted);
  return { parts, fresh, span, isCoarse };
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
function answeredSpan({ shape: { kind }, fromMs, toMs }: Question, floors: Floors): SpanMs {
  const from = answeredFrom(fromMs, kind, floors);
  const to = toMs === Infinity ? Infinity : answeredTo(toMs, kind, floors);
  return { fromMs: from, toMs: Math.max(from, to) };
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
