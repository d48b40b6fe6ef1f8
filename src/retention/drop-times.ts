import type { Kysely } from 'kysely';
import type { Database } from '../database/schema.ts';
import { recordKinds, tables } from '../records/tables.ts';
import { dayMs } from '../units.ts';
import { adoptedRows } from './adopted.ts';
import type { RetentionOptions } from './options.ts';

export type KeptRows = Pick<RetentionOptions, 'rowDays' | 'dropsAdopted'>;

/** When a partition is going to be dropped, if it is: by its bounds, in milliseconds. */
export type DropTime = (table: string, fromMs: number, toMs: number) => number | undefined;

export async function dropTimes(
  db: Kysely<Database>,
  { rowDays, dropsAdopted }: KeptRows,
): Promise<DropTime> {
  const kinds = await Promise.all(
    recordKinds.map(async (kind) => {
      const { untilMs, sources } = await adoptedRows(db, tables[kind].name);
      const keptUntilMs = dropsAdopted && sources.length === 0 ? -Infinity : untilMs;
      return { table: tables[kind].name, days: rowDays[kind], keptUntilMs };
    }),
  );
  return (table, fromMs, toMs) => {
    const of = kinds.find((kind) => kind.table === table);
    if (!of || of.days === Infinity || toMs === Infinity || fromMs < of.keptUntilMs)
      return undefined;
    return toMs + of.days * dayMs;
  };
}
