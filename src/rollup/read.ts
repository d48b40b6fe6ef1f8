import { sql } from 'kysely';
import { tables } from '../records/tables.ts';
import { answeredFrom, answeredTo, type Floors, levelFrom, readFloors } from './floors.ts';
import { readFresh } from './fresh-parts.ts';
import type { KnownWaiting } from './known-waiting.ts';
import { once } from './once.ts';
import { isOfOthers, type PartsThere } from './parts-sql.ts';
import { marginOf, type Question } from './question.ts';
import { restQuarters, restSeries } from './rest-quarters.ts';
import { margin } from './series.ts';
import { type Level, levels, type Shape } from './shapes.ts';
import { type Parts, partsOf, type SpanMs } from './spans.ts';
import { readState, type Trx } from './state.ts';

/** Where rollups are read. */
export interface RollupsRead {
  readonly trx: Trx;
  /** From one transaction to the next. */
  readonly waiting: KnownWaiting;
}

/** More parts of a span than these, and the rows answer for all of it. */
const rowSpansMax = 100;

/** What answers for a question: `partsAsTable` makes a query of it. */
export interface Answering extends PartsThere {
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
export async function findParts(
  { trx, waiting }: RollupsRead,
  question: Question,
): Promise<Answering | Unanswered> {
  const { shape } = question;
  const { isRead, floors, fresh, restId, repairsMs, settledMs } = await once(
    trx,
    `rollups of ${shape.kind}`,
    () => readKnown({ trx, waiting }, shape),
  );
  if (!isRead) return 'otherwise';
  const span = answeredSpan(question, floors);
  const rest = marginOf(question) === margin.all ? undefined : restId;
  const ofRest = rest ? await restQuarters(trx, shape, rest, span, fresh, floors) : [];
  if (!ofRest) return 'the rest';
  const holes = [...new Set([...ofRest, ...fresh.removedMs, ...repairsMs])]
    .filter((ms) => ms >= floors.rowsMs[shape.kind])
    .sort((a, b) => a - b);
  const wanted: Level = question.period?.coarsest ?? 'day';
  const coarsest = levelFrom(span.fromMs, wanted, floors);
  const parts = partsOf(span, holes, settledMs, coarsest);
  const hasRest = ofRest.length > 0;
  if (parts.rows.length > rowSpansMax) return hasRest ? 'the rest' : 'otherwise';
  const isCoarse = levels.indexOf(coarsest) > levels.indexOf(wanted);
  const hasOthers = await once(trx, `others of ${shape.kind} in ${JSON.stringify(parts)}`, () =>
    areOthersThere(trx, shape, parts),
  );
  return { parts, fresh, span, isCoarse, hasRest, hasOthers };
}

/** What holds whatever is asked. */
async function readKnown({ trx, waiting }: RollupsRead, shape: Shape) {
  return {
    isRead: await isHistoryRead(trx, shape),
    floors: await readFloors(trx),
    fresh: await readFresh(trx, shape, waiting),
    restId: await restSeries(trx, shape),
    repairsMs: await readRepairs(trx, shape),
    settledMs: (await readState(trx)).settledAt.getTime(),
  };
}

/** Reads on by series: those of a margin, or of some groups, lie apart among many others, mostly in memory. */
async function isHistoryRead(trx: Trx, { kind }: Shape): Promise<boolean> {
  const { rows } = await sql<{ is_read: boolean }>`
    select not exists (
      select from rollup_history where kind = ${kind} and finished_at is null
    ) as is_read, set_config('random_page_cost', '0.3', true),
      set_config('seq_page_cost', '0.25', true)`.execute(trx);
  return rows[0]?.is_read === true;
}

/** Where rows are gone, whole buckets of levels are all that can be answered for. */
function answeredSpan({ shape: { kind }, fromMs, toMs }: Question, floors: Floors): SpanMs {
  const from = answeredFrom(fromMs, kind, floors);
  const to = toMs === Infinity ? Infinity : answeredTo(toMs, kind, floors);
  return { fromMs: from, toMs: Math.max(from, to) };
}

/** Quarter hours whose extremes were taken away. */
async function readRepairs(trx: Trx, { kind }: Shape): Promise<number[]> {
  const { rows } = await sql<{ ms: number }>`
    select (extract(epoch from bucket) * 1000)::float8 as ms from rollup_repairs
    where kind = ${kind}`.execute(trx);
  return rows.map(({ ms }) => ms);
}

/** Mostly there are none, which is seen sooner than each query would find it out by itself. */
async function areOthersThere(trx: Trx, { kind }: Shape, parts: Parts): Promise<boolean> {
  const { rows } = await sql`
    select from ${sql.table(tables[kind].name)} as source where ${isOfOthers(parts)} limit 1`.execute(
    trx,
  );
  return rows.length > 0;
}
