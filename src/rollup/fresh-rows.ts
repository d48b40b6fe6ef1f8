import type { RecordKind } from '../records/tables.ts';
import { awaitHistory, type ChangedRow, correct } from './corrections.ts';
import { freshTable } from './fresh-table.ts';
import type { SeriesCache } from './series-cache.ts';
import type { Trx } from './state.ts';

/** Rows for a table, as tuples of PostgreSQL's binary COPY format, in parts. */
export interface RollupLoad {
  readonly table: { readonly name: string; readonly columns: readonly string[] };
  readonly rows: readonly Uint8Array[];
}

/** Rows of both kinds, encoded. */
interface Rows {
  readonly rows: Readonly<Record<RecordKind, { readonly copy: Uint8Array }>>;
}

/**
 * What is written in the transaction that stores rows, so that they are rolled up: once, by
 * whichever way they come in.
 */
export class FreshRows {
  readonly #series: readonly SeriesCache[];

  constructor(series: readonly SeriesCache[]) {
    this.#series = series;
  }

  /** For all rows that are stored together; nothing where none of them says that it is rolled up. */
  async loads(batches: readonly Rows[]): Promise<RollupLoad[]> {
    const rows: Uint8Array[] = [];
    for (const series of this.#series) {
      const { kind } = series.shape;
      const copies = batches
        .map((batch) => batch.rows[kind].copy)
        .filter(({ length }) => length > 0);
      if (copies.length === 0) continue;
      const row = await series.pack(copies);
      if (row) rows.push(row);
    }
    return rows.length === 0 ? [] : [{ table: freshTable, rows }];
  }

  /** To be called before rows of a kind are changed. */
  async beforeChange(trx: Trx, kind: RecordKind): Promise<void> {
    await awaitHistory(trx, this.#seriesOf(kind).shape);
  }

  /** Corrects what is rolled up in the transaction that has changed rows. */
  async correct(trx: Trx, kind: RecordKind, changed: readonly ChangedRow[]): Promise<void> {
    const series = this.#seriesOf(kind);
    const { dimensions } = series.shape;
    const wanted = new Map<string, (string | null)[]>();
    for (const { after } of changed) {
      const row = JSON.parse(after) as Record<string, string | null>;
      const values = dimensions.map((name) => row[name] ?? null);
      wanted.set(JSON.stringify(values), values);
    }
    if (wanted.size > 0) await series.create([...wanted.values()]);
    await correct(trx, series.shape, changed);
  }

  #seriesOf(kind: RecordKind): SeriesCache {
    return this.#series.find(({ shape }) => shape.kind === kind) as SeriesCache;
  }
}
