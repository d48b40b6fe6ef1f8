import { sql } from 'kysely';
import { type RecordKind, tables } from '../../records/tables.ts';
import type { Trx } from '../../rollup/state.ts';
import { type Found, findUnrolled, type Wanted } from './followed-rows.ts';
import type { Snapshot } from './snapshot.ts';

/** How long it is known which partitions there are: they are made days ahead. */
const leavesMs = 10_000;
/** Of a partition; more are left to the sweep, which notes what it claims. */
const unrolledMax = 5000;
const knownMax = 10_000;
/** An index that has never had an entry has this page alone. */
const emptyIndexBytes = 8192;

interface Leaf {
  readonly leaf: string;
  readonly index: string;
}

/**
 * Rows that somebody inserts who notes nothing: an older service, a collector of the release before,
 * the adoption. Found by the index of what is not rolled up yet, and known by the transaction that
 * wrote them, all of whose rows become visible at once.
 */
export class Strangers {
  readonly #kind: RecordKind;
  readonly #start: Snapshot;
  /** Transactions whose rows were found, or were there at the start. */
  readonly #known = new Set<string>();
  #mayBeOlder = false;
  #leaves: readonly Leaf[] = [];
  #leavesAt = -Infinity;

  constructor(kind: RecordKind, start: Snapshot) {
    this.#kind = kind;
    this.#start = start;
  }

  /** Whether rows of a transaction were not there at the start, and have not been found yet. */
  isNew(xid: string): boolean {
    return !this.#known.has(xid) && !this.#start.sees(xid);
  }

  isKnown(xid: string): boolean {
    return this.#known.has(xid);
  }

  /** What is there at the start is not new. */
  async begin(trx: Trx): Promise<void> {
    for (const leaf of await this.#inUse(trx)) {
      const found = await findUnrolled(trx, leaf, [], this.#kind, this.#known, unrolledMax);
      for (const { by } of found ?? []) this.#known.add(by);
      this.#mayBeOlder ||= found === undefined;
    }
  }

  /**
   * What has become visible. Rows of one transaction may lie in several partitions: it is known when
   * all of them are seen, and left to the sweep, in all of them, where there are too many in one.
   */
  async find(trx: Trx, wanted: readonly Wanted[]): Promise<Found[]> {
    const fresh: (Found & { readonly by: string })[] = [];
    for (const leaf of await this.#inUse(trx)) {
      const rows = await findUnrolled(trx, leaf, wanted, this.#kind, this.#known, unrolledMax);
      if (!rows) return [];
      fresh.push(...rows);
    }
    for (const { by } of fresh) this.#known.add(by);
    if (this.#known.size > knownMax) await this.#forget(trx);
    return fresh.filter(({ by }) => !(this.#mayBeOlder && this.#start.sees(by)));
  }

  async #forget(trx: Trx): Promise<void> {
    const { rows } = await sql<{ by: string }>`
      select distinct xmin::text as by from ${sql.table(tables[this.#kind].name)}
      where rolled is false limit ${10 * knownMax}`.execute(trx);
    const still = new Set(rows.map(({ by }) => by));
    for (const xid of this.#known) if (!still.has(xid)) this.#known.delete(xid);
  }

  async #inUse(trx: Trx): Promise<string[]> {
    if (performance.now() - this.#leavesAt > leavesMs) {
      this.#leaves = await leavesOf(trx, tables[this.#kind].name);
      this.#leavesAt = performance.now();
    }
    const leaves = this.#leaves;
    if (leaves.length === 0) return [];
    const { rows } = await sql<{ leaf: string }>`
      select leaf from unnest(${leaves.map(({ leaf }) => leaf)}::text[],
        ${leaves.map(({ index }) => index)}::oid[]) as known (leaf, index)
      where pg_relation_size(index::regclass) > ${emptyIndexBytes}`.execute(trx);
    return rows.map(({ leaf }) => leaf);
  }
}

/** Partitions that have the index; the others are left to the sweep. */
async function leavesOf(trx: Trx, table: string): Promise<Leaf[]> {
  const { rows } = await sql<Leaf>`
    select leaf.relname as leaf, own.indexrelid::text as index
    from pg_class as parent join pg_namespace as space on space.oid = parent.relnamespace
      join pg_inherits as part on part.inhparent = parent.oid
      join pg_class as leaf on leaf.oid = part.inhrelid
      join pg_index as own on own.indrelid = leaf.oid and own.indisvalid
      join pg_inherits as inherited on inherited.inhrelid = own.indexrelid
      join pg_class as whole on whole.oid = inherited.inhparent
    where space.nspname = current_schema() and parent.relname = ${table}
      and whole.relname = ${`${table}_unrolled_idx`}`.execute(trx);
  return rows;
}
