import type { Transaction } from 'kysely';
import type pg from 'pg';
import type { EncodedRows } from '../buffer/batch.ts';
import type { Database } from '../database/schema.ts';
import type { tables } from '../event-types.ts';
import { copyRows } from './copy-rows.ts';
import { tryData } from './savepoint.ts';
import { splitTuples } from './tuples.ts';

type Table = (typeof tables)[keyof typeof tables];

export interface RefusedRow {
  readonly table: Table['name'];
  readonly row: Uint8Array;
  readonly reason: string;
}

/**
 * Loads rows of which PostgreSQL refuses some: halves them until those are alone, and returns
 * them. Each try is a savepoint, so that what was loaded stays (4.4 of docs/specs/buffer.md).
 */
export async function copyAroundRefused(
  trx: Transaction<Database>,
  client: pg.ClientBase,
  table: Table,
  rows: EncodedRows,
): Promise<RefusedRow[]> {
  const refused: RefusedRow[] = [];
  const load = async (part: readonly Uint8Array[]): Promise<void> => {
    if (part.length === 0) return;
    const tried = await tryData(trx, () => copyRows(client, [{ table, rows: part }]));
    if ('value' in tried) return;
    const [only, second] = part;
    if (only && !second) {
      refused.push({ table: table.name, row: only, reason: tried.reason });
      return;
    }
    const middle = Math.ceil(part.length / 2);
    await load(part.slice(0, middle));
    await load(part.slice(middle));
  };
  await load(splitTuples(rows.copy));
  return refused;
}
