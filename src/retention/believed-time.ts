import { type Kysely, sql } from 'kysely';
import { databaseNowMs, ledgerDays } from '../database/ledger-span.ts';
import type { Database } from '../database/schema.ts';
import { dayMs } from '../units.ts';

/** A collector may be off for so long, over a weekend for one, before its clock is in doubt. */
const gapMsMax = 3 * dayMs;
const notedDaysMax = 30;

export const dayOf = (ms: number): number => Math.floor(ms / dayMs) * dayMs;

/**
 * The time that is old enough to remove something by. Of our clock and the database's, the one that
 * is behind. Where both are on one machine these are not two: a day that lies far after all that are
 * known, by ids in the ledger or because retention has looked then, is believed on the day after.
 * Until then it is the end of the last known day.
 */
export async function believedNowMs(db: Kysely<Database>, oursMs: number): Promise<number> {
  const nowMs = Math.min(oursMs, await databaseNowMs(db));
  const todayMs = dayOf(nowMs);
  const lastMs = Math.max(...(await knownDays(db, todayMs)));
  const isSteady = lastMs === -Infinity || todayMs - lastMs <= gapMsMax;
  return isSteady ? nowMs : lastMs + dayMs;
}

/** Notes that retention has looked on a day, by the clock that is behind. */
export async function noteDay(db: Kysely<Database>, oursMs: number): Promise<void> {
  const nowMs = Math.min(oursMs, await databaseNowMs(db));
  const day = new Date(nowMs).toISOString().slice(0, 10);
  await db
    .insertInto('retention_days')
    .values({ day })
    .onConflict((conflict) => conflict.doNothing())
    .execute();
  await sql`
    delete from retention_days where day < ${day}::date and day not in (
      select day from retention_days order by day desc limit ${notedDaysMax}
    )`.execute(db);
}

/** Days before today. */
async function knownDays(db: Kysely<Database>, todayMs: number): Promise<number[]> {
  const { rows } = await sql<{ ms: number }>`
    select (extract(epoch from day::timestamp) * 1000)::bigint as ms from retention_days`.execute(
    db,
  );
  // Today and two that a clock ahead may have written beside the one before them.
  const ledger = await ledgerDays(db, 4);
  return [...rows.map(({ ms }) => ms), ...ledger].filter((day) => day < todayMs);
}
