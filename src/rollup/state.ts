import { type Kysely, sql, type Transaction } from 'kysely';
import type { Database } from '../database/schema.ts';
import type { RollupLoad } from './fresh-rows.ts';
import type { SeriesCache } from './series-cache.ts';
import { quarterMs } from './shapes.ts';

export type Trx = Transaction<Database>;

/** Transactions in which rows are copied too. */
export interface RollupWriter {
  transaction<T>(
    work: (trx: Trx, copy: (loads: readonly RollupLoad[]) => Promise<void>) => Promise<T>,
  ): Promise<T>;
}

/** What whoever changes what is rolled up needs. */
export interface RollupAccess {
  readonly writer: RollupWriter;
  readonly series: readonly SeriesCache[];
}

const epochMs = Date.UTC(2000, 0, 1);

/** Quarter hours since 2000. */
export const quarterOf = (time: Date): number => Math.floor((time.getTime() - epochMs) / quarterMs);
export const timeOf = (quarter: number): Date => new Date(epochMs + quarter * quarterMs);

export interface RollupState {
  /** Hours and days hold what lies before, quarter hours hold all. */
  readonly settledAt: Date;
}

const columns = sql`settled_at as "settledAt"`;

/** How it is now, whoever changes it. */
export async function readState(db: Kysely<Database>): Promise<RollupState> {
  const { rows } = await sql<RollupState>`select ${columns} from rollup_state`.execute(db);
  return rows[0] as RollupState;
}

/**
 * Keeps all others from changing what is rolled up until the transaction ends; undefined where
 * somebody else does so, unless that one is waited for.
 */
export async function lockState(trx: Trx, wait: boolean): Promise<RollupState | undefined> {
  // One compilation takes longer than all else together.
  await sql`set local jit = off`.execute(trx);
  const { rows } = await sql<RollupState>`
    select ${columns} from rollup_state for update ${wait ? sql`` : sql`skip locked`}`.execute(trx);
  return rows[0];
}
