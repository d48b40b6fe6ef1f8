import type { Kysely } from 'kysely';
import type { Database } from '../database/schema.ts';
import { type RecordKind, recordKinds } from '../records/tables.ts';
import { dayMs } from '../units.ts';
import { believedNowMs, dayOf } from './believed-time.ts';
import { type Leaf, leavesBefore } from './leaves.ts';
import type { RetentionOptions } from './options.ts';
import { totalBytes } from './size.ts';

/** What is due at a time: nothing of it is younger than it says. */
export interface Plan {
  /** The time that it goes by. */
  readonly nowMs: number;
  /** Rows of before are removed, by the kind of record; -Infinity: none. */
  readonly rowsBeforeMs: Readonly<Record<RecordKind, number>>;
  /** Partitions whose rows go for their age. */
  readonly aged: readonly Leaf[];
  /** Partitions that are old enough, and whose rows stay for now. */
  readonly held: readonly Leaf[];
  /** Partitions that go themselves once they are empty: nothing can come for them any more. */
  readonly past: readonly Leaf[];
  readonly bytes: number;
}

/** Before the first of those days; -Infinity for endless ones. */
export const daysBefore = (nowMs: number, days: number): number =>
  days === Infinity ? -Infinity : dayOf(nowMs - days * dayMs);

export async function planRetention(
  db: Kysely<Database>,
  options: RetentionOptions,
  oursMs: number,
): Promise<Plan> {
  const nowMs = await believedNowMs(db, oursMs);
  const rowsBeforeMs = {
    event: daysBefore(nowMs, options.rowDays.event),
    usage: daysBefore(nowMs, options.rowDays.usage),
  };
  const old: Leaf[] = [];
  for (const kind of recordKinds) {
    old.push(...(await leavesBefore(db, kind, rowsBeforeMs[kind], options.dropsAdopted)));
  }
  const withRows = old.filter(({ hasRows }) => hasRows);
  const sentBeforeMs = dayOf(nowMs - options.recordAgeMsMax) - dayMs;
  return {
    nowMs,
    rowsBeforeMs,
    aged: withRows.filter(({ hold }) => hold === undefined),
    held: withRows.filter(({ hold }) => hold !== undefined),
    past: old.filter(
      ({ hold, isOwn, fromMs, toMs }) =>
        hold === undefined && isOwn && fromMs > -Infinity && toMs <= sentBeforeMs,
    ),
    bytes: await totalBytes(db),
  };
}
