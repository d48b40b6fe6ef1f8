import { sql } from 'kysely';
import type { RecordKind } from '../records/tables.ts';
import { Aggregates } from './aggregates.ts';
import { PackedReader } from './packed-reader.ts';
import type { Shape } from './shapes.ts';
import type { Trx } from './state.ts';

interface Known {
  /** Of the fresh rows that it is made of. */
  readonly ids: ReadonlySet<string>;
  /** Whoever has it reads it only: of what is added to it a copy is made. */
  readonly totals: Aggregates;
}

interface Row {
  readonly id: string;
  /** Null where it is known already. */
  readonly data: Buffer | null;
}

/**
 * What waits to be folded, as the last snapshot had it. Of the next one only rows that are new are
 * read and taken apart, as long as none of those before was folded meanwhile: a stream without limit
 * has hundreds of thousands of records waiting, and each question counts them.
 */
export class KnownWaiting {
  readonly #known = new Map<RecordKind, Known>();

  /** What waits of a kind, in a snapshot. */
  async read(trx: Trx, shape: Shape): Promise<Aggregates> {
    const known = this.#known.get(shape.kind);
    const ids = [...(known?.ids ?? [])];
    // A place may be used again, by another transaction.
    const { rows } = await sql<Row>`
      select id, case when not (is_known and are_all_there) then data end as data
      from (
        select *, count(*) filter (where is_known) over () = ${ids.length} as are_all_there
        from (
          select data, id, id = any(${ids}::text[]) as is_known
          from (
            select data, ctid::text || xmin as id from rollup_fresh where kind = ${shape.kind}
          ) as fresh
        ) as told
      ) as each`.execute(trx);
    const areAllThere = known !== undefined && hasAll(rows, known);
    if (areAllThere && rows.length === known.ids.size) return known.totals;
    const reader = new PackedReader(shape, areAllThere ? copyOf(shape, known.totals) : undefined);
    for (const { data } of rows) if (data) reader.add(data);
    this.#known.set(shape.kind, { ids: new Set(rows.map(({ id }) => id)), totals: reader.totals });
    return reader.totals;
  }
}

const hasAll = (rows: readonly Row[], { ids }: Known): boolean =>
  rows.filter(({ id }) => ids.has(id)).length === ids.size;

function copyOf(shape: Shape, totals: Aggregates): Aggregates {
  const { firsts, seconds } = totals.places;
  const copy = new Aggregates(shape);
  const target = Int32Array.from({ length: totals.size }, (_, place) =>
    copy.at(firsts[place] as number, seconds[place] as number),
  );
  copy.addAll(totals, target);
  return copy;
}
