import { dayMs, hourMs } from '../units.ts';
import { type Level, quarterMs } from './shapes.ts';

/** From the first to before the second, in milliseconds; the second may be without end. */
export interface SpanMs {
  readonly fromMs: number;
  readonly toMs: number;
}

export interface LevelSpan extends SpanMs {
  readonly level: Level;
}

/** What answers for which part of a span. */
export interface Parts {
  /** Levels, each in whole buckets of its own, and what waits to be folded into them. */
  readonly levels: readonly LevelSpan[];
  /** The rows themselves: the edges, and quarter hours that are about to be computed anew. */
  readonly rows: readonly SpanMs[];
}

const ceiled = (ms: number, length: number): number => Math.ceil(ms / length) * length;
const floored = (ms: number, length: number): number => Math.floor(ms / length) * length;

/**
 * Parts a span. `holes`: the begins of quarter hours that no level answers for, in order.
 * `settledMs`: hours and days hold what lies before.
 */
export function partsOf(
  { fromMs, toMs }: SpanMs,
  holes: readonly number[],
  settledMs: number,
  coarsest: Level,
): Parts {
  const first = Math.min(ceiled(fromMs, quarterMs), toMs);
  const end = Math.max(first, floored(toMs, quarterMs));
  const inside = holes.filter((ms) => ms >= first && ms < end);
  const rows = joined([
    { fromMs, toMs: first },
    ...inside.map((ms) => ({ fromMs: ms, toMs: ms + quarterMs })),
    { fromMs: end, toMs },
  ]);
  const bounds = [first, ...inside.flatMap((ms) => [ms, ms + quarterMs]), end];
  const levels: LevelSpan[] = [];
  for (let at = 0; at < bounds.length; at += 2) {
    const span = { fromMs: bounds[at] as number, toMs: bounds[at + 1] as number };
    levels.push(...levelsOf(span, settledMs, coarsest));
  }
  return { levels, rows };
}

/** Without empty ones, and those that meet as one. */
function joined(spans: readonly SpanMs[]): SpanMs[] {
  const found: SpanMs[] = [];
  for (const span of spans) {
    if (span.fromMs >= span.toMs) continue;
    const last = found.at(-1);
    if (last?.toMs === span.fromMs) {
      found[found.length - 1] = { fromMs: last.fromMs, toMs: span.toMs };
    } else found.push(span);
  }
  return found;
}

/** The coarsest levels of which whole buckets lie in a span of whole quarter hours. */
function levelsOf({ fromMs, toMs }: SpanMs, settledMs: number, coarsest: Level): LevelSpan[] {
  const settled = Math.min(settledMs, toMs);
  const allQuarters = coarsest === 'quarter';
  const hoursFrom = allQuarters ? toMs : Math.min(ceiled(fromMs, hourMs), toMs);
  const hoursTo = Math.max(hoursFrom, floored(settled, hourMs));
  const daysFrom = coarsest === 'day' ? Math.min(ceiled(hoursFrom, dayMs), hoursTo) : hoursTo;
  const daysTo = Math.max(daysFrom, floored(hoursTo, dayMs));
  const spans: LevelSpan[] = [
    { level: 'quarter', fromMs, toMs: hoursFrom },
    { level: 'hour', fromMs: hoursFrom, toMs: daysFrom },
    { level: 'day', fromMs: daysFrom, toMs: daysTo },
    { level: 'hour', fromMs: daysTo, toMs: hoursTo },
    { level: 'quarter', fromMs: hoursTo, toMs },
  ];
  return spans.filter((span) => span.fromMs < span.toMs);
}
