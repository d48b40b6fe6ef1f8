import { sql, type Transaction } from 'kysely';
import type pg from 'pg';
import type { Batch, Group, Settlement } from '../buffer/batch.ts';
import { ledgerBegin, ledgerBeginMs } from '../database/ledger-span.ts';
import type { Database } from '../database/schema.ts';
import {
  byKind,
  type RecordCounts,
  type RecordKind,
  recordKinds,
  tables,
} from '../records/tables.ts';
import { readRowStart } from '../records/tuples.ts';
import { dayMs, hourMs } from '../units.ts';
import { uuidV7TimeMs } from '../uuid.ts';
import { rowsOf } from './divide.ts';
import type { Claims } from './ledger.ts';
import { schemaInUse, schemaPrefix, tableIn } from './schema-in-use.ts';

/** A batch with the rows that are still to be written. */
export interface Portion {
  /** Its place in the group. */
  readonly index: number;
  readonly batch: Batch;
  /** The rows that are there already. */
  readonly known?: RecordCounts;
  /** The rows of somebody whose records were erased. */
  readonly erased?: RecordCounts;
}

export const wholeBatches = ({ batches }: Group, { claimed }: Claims): Portion[] =>
  batches.flatMap((batch, index) => (claimed.has(batch) ? [{ index, batch }] : []));

/**
 * Statements that fail, with a division by zero, where the ledger can't know all ids of some batches;
 * it forgets no more of them until the COMMIT.
 */
export function unlessForgotten(client: pg.ClientBase, batches: readonly Batch[]): string {
  const oldest = new Date(Math.min(...batches.map(({ id }) => uuidV7TimeMs(id)))).toISOString();
  const ledger = `${schemaPrefix(schemaInUse(client))}batch_ledger`;
  return `lock table only ${ledger} in row exclusive mode;
    select 1 / (${ledgerBegin} <= '${oldest}')::int`;
}

/**
 * What is to be written of a group from the spool. The ledger is not enough for two kinds of
 * batches, whose rows are looked for in the tables: what is older than the ledger may have been
 * committed and forgotten, and what was sent a second time may have been committed by another
 * collector under rules that rejected a part of it (5.7 of docs/specs/buffer.md).
 */
export async function unwritten(
  trx: Transaction<Database>,
  client: pg.ClientBase,
  group: Group,
  claims: Claims,
): Promise<Portion[]> {
  const beginMs = await ledgerBeginMs(trx);
  const isForgotten = ({ batch }: Portion) => uuidV7TimeMs(batch.id) < beginMs;
  const whole = wholeBatches(group, claims);
  const differing = group.batches.flatMap((batch, index) =>
    isOtherwiseAnswered(batch, claims.settlements[index]) ? [{ index, batch }] : [],
  );
  const doubtful = [...whole.filter(isForgotten), ...differing];
  if (doubtful.length === 0) return whole;
  const certain = whole.filter((portion) => !isForgotten(portion));
  return [...certain, ...(await withoutKnown(trx, client, doubtful))];
}

/** Whether a batch has rows that those who know its id may not have stored. */
function isOtherwiseAnswered({ answer }: Batch, settlement: Settlement | undefined): boolean {
  if (settlement?.kind !== 'duplicate') return false;
  const listed = (each: Batch['answer']) =>
    JSON.stringify([each.rejected, each.rejections.map(({ kind, index }) => [kind, index])]);
  return settlement.answer.rejections.length > 0 && listed(settlement.answer) !== listed(answer);
}

async function withoutKnown(
  trx: Transaction<Database>,
  client: pg.ClientBase,
  doubtful: readonly Portion[],
): Promise<Portion[]> {
  // A search by id alone may have many days to go through.
  await sql`set local statement_timeout = 0`.execute(trx);
  const isStored = await storedRows(
    trx,
    client,
    doubtful.map(({ batch }) => batch),
  );
  return doubtful.map(({ index, batch }) => {
    const rows = byKind((kind) => {
      const missing = rowsOf(batch.rows[kind].copy).filter((row) => !isStored(kind, row));
      return { count: missing.length, copy: Buffer.concat(missing) };
    });
    const known = byKind((kind) => batch.rows[kind].count - rows[kind].count);
    return { index, batch: { ...batch, rows }, known };
  });
}

/** How long after its id was made a batch may be sent again, with some room. */
const resentMsMax = 15 * dayMs;

/**
 * Tells the rows that their tables have, each row that is found standing for one. A record without
 * a time of its own has that of its arrival, which is another one where its batch was sent again:
 * its id has to do.
 */
async function storedRows(
  trx: Transaction<Database>,
  client: pg.ClientBase,
  batches: readonly Batch[],
): Promise<(kind: RecordKind, row: Uint8Array) => boolean> {
  const found = new Map<string, number>();
  const add = (key: string, count: number) => found.set(key, (found.get(key) ?? 0) + count);
  for (const kind of recordKinds) {
    for (const { id, us } of await findRows(trx, client, kind, batches)) {
      add(`${kind} ${id}`, 1);
      add(`${kind} ${id} ${us}`, 1);
    }
  }
  return (kind, row) => {
    const start = readRowStart(row);
    const key = isTimeless(start)
      ? `${kind} ${start.id}`
      : `${kind} ${start.id} ${start.timestampUs}`;
    if (!found.get(key)) return false;
    add(key, -1);
    return true;
  };
}

async function findRows(
  trx: Transaction<Database>,
  client: pg.ClientBase,
  kind: RecordKind,
  batches: readonly Batch[],
): Promise<{ id: string; us: number }[]> {
  const ids: string[] = [];
  let [fromMs, toMs] = [Infinity, -Infinity];
  const cover = (ms: number) => {
    fromMs = Math.min(fromMs, ms);
    toMs = Math.max(toMs, ms);
  };
  for (const batch of batches) {
    for (const start of rowsOf(batch.rows[kind].copy).map(readRowStart)) {
      ids.push(start.id);
      cover(Math.floor(start.timestampUs / 1000));
      cover(Math.ceil(start.timestampUs / 1000));
      if (!isTimeless(start)) continue;
      cover(uuidV7TimeMs(batch.id) - hourMs);
      cover(uuidV7TimeMs(batch.id) + resentMsMax);
    }
  }
  if (ids.length === 0) return [];
  const { rows } = await sql<{ id: string; us: number }>`
    select id, (extract(epoch from "timestamp") * 1000000)::bigint as us
    from ${tableIn(client, tables[kind].name)}
    where "timestamp" between ${new Date(fromMs)} and ${new Date(toMs)}
      and id = any(${ids}::uuid[])`.execute(trx);
  return rows;
}

const isTimeless = ({ timestampUs, observedAtUs }: ReturnType<typeof readRowStart>): boolean =>
  timestampUs === observedAtUs;
