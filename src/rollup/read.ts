import { sql } from 'kysely';
import { answeredFrom, answeredTo, type Floors, levelFrom, readFloors } from './floors.ts';
import { type FreshParts, readFresh } from './fresh-parts.ts';
import { marginOf, type Question } from './question.ts';
import { restQuarters, restSeries } from './rest-quarters.ts';
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
  /** Whether rows answer for quarter hours with records of the rest, whose dimensions are asked for. */
  readonly hasRest: boolean;
}

/** Why the rows have to answer: the rest, or anything else. */
export type Unanswered = 'the rest' | 'otherwise';

/**
 * All that is stored, as of the transaction's snapshot: what is rolled up, what waits for that, rows
 * of others, and, at the edges, the rows themselves. Between two moments records move: it has to be
 * one. Records of the rest, where dimensions are asked for, are left to the rows as well.
 */
export async function findParts(trx: Trx, question: Question): Promise<Answering | Unanswered> {
  const { shape } = question;
  if (!(await isHistoryRead(trx, shape))) return 'otherwise';
  const floors = await readFloors(trx);
  const fresh = await readFresh(trx, question);
  const span = answeredSpan(question, floors);
  const rest = marginOf(question) === margin.all ? undefined : await restSeries(trx, shape);
  const ofRest = rest ? await restQuarters(trx, shape, rest, span, fresh, floors) : [];
  if (!ofRest) return 'the rest';
  const holes = await holesOf(trx, shape, fresh, floors, ofRest);
  const wanted: Level = question.period?.coarsest ?? 'day';
  const coarsest = levelFrom(span.fromMs, wanted, floors);
  const { settledAt } = await readState(trx);
  const parts = partsOf(span, holes, settledAt.getTime(), coarsest);
  const hasRest = ofRest.length > 0;
  if (parts.rows.length > rowSpansMax) return hasRest ? 'the rest' : 'otherwise';
  const isCoarse = levels.indexOf(coarsest) > levels.indexOf(wanted);
  return { parts, fresh, span, isCoarse, hasRest };
}

/** Reads on by series: those of a margin lie apart, and mostly in memory, among many of other margins. */
async function isHistoryRead(trx: Trx, { kind }: Shape): Promise<boolean> {
  const { rows } = await sql<{ is_read: boolean }>`
    select not exists (
      select from rollup_history where kind = ${kind} and finished_at is null
    ) as is_read, set_config('random_page_cost', '1.1', true)`.execute(trx);
  return rows[0]?.is_read === true;
}

/** Where rows are gone, whole buckets of levels are all that can be answered for. */
function answeredSpan({ shape: { kind }, fromMs, toMs }: Question, floors: Floors): SpanMs {
  const from = answeredFrom(fromMs, kind, floors);
  const to = toMs === Infinity ? Infinity : answeredTo(toMs, kind, floors);
  return { fromMs: from, toMs: Math.max(from, to) };
}

/** Quarter hours whose extremes were taken away, folded or not, and those of `others`. */
async function holesOf(
  trx: Trx,
  { kind }: Shape,
  { removedMs }: FreshParts,
  { rowsMs }: Floors,
  others: readonly number[],
): Promise<number[]> {
  const { rows } = await sql<{ ms: number }>`
    select (extract(epoch from bucket) * 1000)::float8 as ms from rollup_repairs
    where kind = ${kind}`.execute(trx);
  const all = new Set([...others, ...removedMs, ...rows.map(({ ms }) => ms)]);
  return [...all].filter((ms) => ms >= rowsMs[kind]).sort((a, b) => a - b);
}
