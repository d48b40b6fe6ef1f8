import type { Kysely } from 'kysely';
import type { Database } from '../database/schema.ts';
import { freshRow } from './fresh-table.ts';
import { KeyTable } from './key-table.ts';
import { addKey, Packer, type SeriesValues } from './packer.ts';
import { allSeries, createSeries, type SeriesFound } from './series.ts';
import type { Shape } from './shapes.ts';

/** How many get their numbers in one transaction. */
const createdTogether = 5000;

/** The numbers of series, as far as they were needed: those that rows use are committed before. */
export class SeriesCache {
  readonly shape: Shape;
  readonly #db: Kysely<Database>;
  readonly #seriesMax: number;
  #table = new KeyTable();
  #packer: Packer;

  /** `db`: connections that no writer waits for while it holds one of them. */
  constructor(shape: Shape, db: Kysely<Database>, seriesMax: number) {
    this.shape = shape;
    this.#db = db;
    this.#seriesMax = seriesMax;
    this.#packer = new Packer(shape, this.#table);
  }

  /** Forgets all numbers: the table of them is another one. */
  forget(): void {
    this.#table = new KeyTable();
    this.#packer = new Packer(this.shape, this.#table);
  }

  /**
   * What rows, tuples of binary COPY, are rolled up by: a row of `rollup_fresh`, unless none of them
   * says that it is rolled up. Series that are new get their numbers first.
   */
  async pack(rows: readonly Uint8Array[]): Promise<Uint8Array | undefined> {
    for (;;) {
      const packer = this.#packer;
      packer.restart();
      for (const some of rows) packer.add(some);
      const { unknown, events } = packer;
      if (unknown.length === 0) {
        return events === 0 ? undefined : freshRow(this.shape.kind, events, packer.data());
      }
      await this.create(unknown.slice(0, createdTogether));
    }
  }

  /** Learns the numbers that there are. */
  async load(): Promise<void> {
    this.#learn(this.#table, await allSeries(this.#db, this.shape));
  }

  async create(wanted: readonly SeriesValues[]): Promise<void> {
    const table = this.#table;
    this.#learn(table, await createSeries(this.#db, this.shape, wanted, this.#seriesMax));
  }

  #learn(table: KeyTable, { series, rest }: SeriesFound): void {
    for (const { id, values } of series) {
      addKey(table, values);
      if (table.find() === 0) table.set(id);
    }
    if (table === this.#table && rest > 0) this.#packer.rest = rest;
  }
}
