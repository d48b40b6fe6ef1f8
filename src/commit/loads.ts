import type { Batch } from '../buffer/batch.ts';
import { recordKinds } from '../records/tables.ts';
import type { FreshRows } from '../rollup/fresh-rows.ts';
import { noteLoads } from './commit-notes.ts';
import { fieldsOf, type Load, tableOf } from './copy.ts';

/**
 * The rows of some batches, and what is written with them, so that they are rolled up, and found by
 * whoever follows: one load a kind, and one more for what the spool has of it in an earlier release's
 * columns.
 */
export async function loadsOf(
  batches: readonly Pick<Batch, 'rows'>[],
  fresh: FreshRows,
): Promise<Load[]> {
  const kinds = recordKinds.map((kind) => ({
    kind,
    rows: batches.map(({ rows }) => rows[kind].copy).filter(({ length }) => length > 0),
  }));
  const loads = kinds.flatMap(({ kind, rows: copies }) =>
    [...Map.groupBy(copies, fieldsOf).values()].map((rows) => ({
      table: tableOf(kind, rows[0] as Uint8Array),
      rows,
    })),
  );
  return [...loads, ...(await fresh.loads(batches)), ...noteLoads(kinds)];
}
