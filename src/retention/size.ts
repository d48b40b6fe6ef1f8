import { type Kysely, sql } from 'kysely';
import { shardFacts } from '../database/cluster/shard-facts.ts';
import { expectedNames } from '../database/expected-tables.ts';
import type { Database } from '../database/schema.ts';
import { recordKinds } from '../records/tables.ts';
import { dayOf } from './believed-time.ts';
import { type Leaf, leavesBefore } from './leaves.ts';
import type { RetentionOptions } from './options.ts';
import type { Plan } from './plan.ts';

/** What all tables of ours take, those of older services that were set aside included. */
export async function totalBytes(db: Kysely<Database>): Promise<number> {
  const { rows } = await sql<{ bytes: number }>`
    select coalesce(sum(pg_total_relation_size(class.oid)), 0)::bigint as bytes
    from pg_class as class join pg_namespace as space on space.oid = relnamespace
      left join pg_inherits on inhrelid = class.oid
      left join pg_class as parent on parent.oid = inhparent
    where nspname = current_schema() and class.relkind = 'r' and (
      coalesce(parent.relname, class.relname) = any(${expectedNames}::text[])
      or class.relname in (select source from adoption)
    )`.execute(db);
  const onWorkers = [...(await shardFacts(db)).values()];
  return onWorkers.reduce((sum, { bytes }) => sum + bytes, rows[0]?.bytes ?? 0);
}

/**
 * The days that have rows, the oldest first: those whose rows may go for the sake of the size, never
 * those of the day that it is, and those that are held.
 */
export async function daysWithRows(
  db: Kysely<Database>,
  { dropsAdopted }: RetentionOptions,
  nowMs: number,
): Promise<{ readonly free: readonly Leaf[]; readonly held: readonly Leaf[] }> {
  const leaves: Leaf[] = [];
  for (const kind of recordKinds) {
    leaves.push(...(await leavesBefore(db, kind, dayOf(nowMs), dropsAdopted)));
  }
  const withRows = leaves.filter(({ hasRows }) => hasRows).sort((a, b) => a.toMs - b.toMs);
  return {
    free: withRows.filter(({ hold }) => hold === undefined),
    held: withRows.filter(({ hold }) => hold !== undefined),
  };
}

/** What would go for the sake of the size, once what is due for its age has gone. */
export async function tooLarge(
  db: Kysely<Database>,
  options: RetentionOptions,
  { nowMs, bytes, aged }: Plan,
): Promise<Leaf[]> {
  let left = bytes - aged.reduce((sum, leaf) => sum + leaf.bytes, 0);
  const gone = new Set(aged.map(({ name }) => name));
  const { free } = await daysWithRows(db, options, nowMs);
  const found: Leaf[] = [];
  for (const leaf of free.filter(({ name }) => !gone.has(name))) {
    if (left <= options.bytesMax) break;
    found.push(leaf);
    left -= leaf.bytes;
  }
  return found;
}

/** What keeps the tables from being as small as they are to be. */
export function sizeObstacle(bytes: number, bytesMax: number, held: readonly Leaf[]): string {
  // Two digits: what grows is not to be news every few seconds.
  const mb = (of: number) => `${Number(Math.ceil(of / 1e6).toPrecision(2))} MB`;
  const reasons = [...Map.groupBy(held, ({ hold }) => hold)].map(([hold, leaves]) => {
    const taken = leaves.reduce((sum, leaf) => sum + leaf.bytes, 0);
    return `${mb(taken)} are in partitions that are kept (${hold})`;
  });
  const rest = reasons.length > 0 ? reasons.join(', ') : 'only the rows of today are left';
  return `the tables take ${mb(bytes)}, more than the ${mb(bytesMax)} of TELEMETRY_RETENTION_BYTES_MAX: ${rest}`;
}
