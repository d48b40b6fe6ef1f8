import { type Kysely, type RawBuilder, sql } from 'kysely';
import { isDistributed } from '../database/cluster/layout.ts';
import { noteMoved } from '../database/moved-rows.ts';
import { rowsOf, takenOver } from '../database/older-names.ts';
import type { Database } from '../database/schema.ts';
import { mayBeDataFault } from '../postgres/sqlstate.ts';
import { tables } from '../records/tables.ts';
import { correctOlderClaims } from './older-claims.ts';
import { type Claimed, claimOnWorkers, createMissingOnWorkers } from './on-workers.ts';
import { lacksSeries, writeFresh } from './pack-sql.ts';
import type { SeriesValues } from './packer.ts';
import { columnsOf } from './series.ts';
import type { SeriesCache } from './series-cache.ts';
import type { Shape } from './shapes.ts';
import { lockState, type RollupWriter, type Trx } from './state.ts';
import { SweptLeaves } from './swept-leaves.ts';

/** Rows that are claimed in one transaction. */
const claimedTogether = 10_000;

/** So many rows of a partition that a constraint keeps from being claimed are passed over, no more. */
const refusedMax = 20;

/**
 * Claims the rows that others wrote, who know nothing of rollups, and packs them as if they had
 * been stored now: each once, whoever sweeps. Resolves with how many there were. `leaves`: what is
 * remembered of the sweeps before. What keeps some rows from being claimed keeps no others from it:
 * `onFault` is told of it.
 */
export async function sweep(
  db: Kysely<Database>,
  writer: RollupWriter,
  series: SeriesCache,
  signal: AbortSignal,
  leaves = new SweptLeaves(),
  onFault: (fault: unknown) => void = rethrow,
): Promise<number> {
  try {
    await correctOlderClaims(db, writer, series, signal);
  } catch (error) {
    if (!mayBeDataFault(error)) throw error;
    onFault(error);
  }
  let swept = 0;
  for (const leaf of await leaves.find(db, series.shape)) {
    swept += await sweepLeaf(db, writer, series, leaf, signal, onFault);
  }
  return swept;
}

function rethrow(fault: unknown): never {
  throw fault;
}

/** The same of one partition. */
export async function sweepLeaf(
  db: Kysely<Database>,
  writer: RollupWriter,
  series: SeriesCache,
  leaf: string,
  signal: AbortSignal,
  onFault: (fault: unknown) => void = rethrow,
): Promise<number> {
  const { kind } = series.shape;
  const rows = rowsOf(kind, sql.table(leaf));
  const refused: string[] = [];
  let fault: unknown;
  let swept = 0;
  for (let together = claimedTogether; !signal.aborted && refused.length <= refusedMax; ) {
    await createMissing(db, series, rows, sql`rolled is false`);
    const only = together === 1 ? await nextOf(db, leaf, refused) : undefined;
    if (together === 1 && only === undefined) break;
    const some = { limit: together, which: only ? sql`id = ${only}` : allBut(refused) };
    try {
      const claimed = await writer.transaction((trx) => claim(trx, series.shape, leaf, some));
      swept += claimed;
      if (claimed < together) break;
      together = Math.min(10 * together, claimedTogether);
    } catch (error) {
      if (!mayBeDataFault(error)) throw error;
      fault = error;
      // Ever less, until the row is found that may not be written as it is.
      if (only) refused.push(only);
      together = Math.ceil(together / 10);
    }
  }
  if (fault !== undefined) onFault(fault);
  return swept;
}

const allBut = (ids: readonly string[]) =>
  ids.length === 0 ? sql`true` : sql`id <> all(${ids}::uuid[])`;

async function nextOf(db: Kysely<Database>, leaf: string, refused: readonly string[]) {
  const { rows } = await sql<{ id: string }>`
    select id from ${sql.table(leaf)} where rolled is false and ${allBut(refused)} limit 1`.execute(
    db,
  );
  return rows[0]?.id;
}

/** Gives numbers to the series of some rows that have none; false where there is no such row. */
export async function createMissing(
  db: Kysely<Database>,
  series: SeriesCache,
  from: RawBuilder<unknown>,
  condition: RawBuilder<unknown>,
): Promise<boolean> {
  const { shape } = series;
  if (await isDistributed(db, tables[shape.kind].name)) {
    return await createMissingOnWorkers(db, series, from, condition);
  }
  const { rows } = await sql<{ values: (string | null)[] }>`
    select distinct array[${sql.join(columnsOf(shape, 'source'))}]::text[] as values
    from (
      select * from ${from} as source
      where ${condition} and ${lacksSeries(shape, 'source')} limit ${claimedTogether}
    ) as source`.execute(db);
  const missing: SeriesValues[] = rows.map(({ values }) => values);
  if (missing.length === 0) return false;
  await series.create(missing);
  return true;
}

/** Claims rows of a partition in a transaction; resolves with how many. */
export async function claim(
  trx: Trx,
  shape: Shape,
  leaf: string,
  some: Claimed = { limit: claimedTogether, which: sql`true` },
): Promise<number> {
  await lockState(trx, true);
  if (await isDistributed(trx, tables[shape.kind].name)) {
    return await claimOnWorkers(trx, shape, leaf, some);
  }
  const table = sql.table(leaf);
  const { rows } = await sql<{ claimed: number }>`
    with chosen as materialized (
      select ctid as place, id, "timestamp", xmin as before
      from ${rowsOf(shape.kind, table, ['ctid', 'xmin'])} as source
      where rolled is false and ${some.which} and not ${lacksSeries(shape, 'source')}
      limit ${some.limit} for update skip locked
    ), source as (
      update ${table} set rolled = true ${takenOver(shape.kind)}
      where ctid = any(array(select place from chosen)) and rolled is false
      returning *
    ), noted as (
      ${noteMoved(shape.kind, 'swept', sql`chosen`)}
    ), written as (
      ${writeFresh(shape)}
    )
    select count(*) as claimed from source`.execute(trx);
  return rows[0]?.claimed ?? 0;
}
