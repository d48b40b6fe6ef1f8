import { type Kysely, sql } from 'kysely';
import { layoutOf } from '../../database/cluster/layout.ts';
import { notedMs } from '../../database/commit-notes-span.ts';
import type { Database } from '../../database/schema.ts';
import { ServiceError } from '../../errors.ts';
import { byKind, type RecordKind, recordKinds } from '../../records/tables.ts';
import type { Trx } from '../../rollup/state.ts';
import {
  type Committed,
  committedOf,
  type MovedRow,
  mergeSpans,
  type Reading,
  readNotes,
} from './commit-notes.ts';
import { countsOf, type Found, findWanted, type Matches, type Wanted } from './followed-rows.ts';
import type { Snapshot } from './snapshot.ts';
import { Strangers } from './strangers.ts';

/** Rows that are looked at after a pause; what older transactions have beyond it is passed over. */
const lookedAtMax = 100_000;
/** Rows that are taken of those. */
const takenMax = 2000;
/** Notes may be forgotten after a longer pause. */
const pauseMsMax = notedMs / 2;

/** What has become visible since the last look. */
export interface News {
  readonly asOf: Date;
  readonly rows: readonly (Found & { readonly kind: RecordKind })[];
  /** Rows that nobody looked at. */
  readonly passedOver: Readonly<Record<RecordKind, number>>;
  /** Rows that were wanted and are not in `rows`, by the order of the wanted of a kind. */
  readonly left: Readonly<Record<RecordKind, readonly number[]>>;
}

/**
 * Follows what is committed, by whichever collector, each row once. Transactions note what they
 * have stored (src/commit/commit-notes.ts): those that one snapshot sees and the one before did not
 * are new, however long they took. Rows are then known by who wrote them.
 */
export class CommitFeed {
  readonly #db: Kysely<Database>;
  #snapshot: Snapshot | undefined;
  #strangers: Readonly<Record<RecordKind, Strangers>> | undefined;
  #lookedAt = Number.NaN;

  constructor(db: Kysely<Database>) {
    this.#db = db;
  }

  /** Looks what has become visible; the first time, only where to begin. Throws where that is lost. */
  async look(wanted: readonly Wanted[]): Promise<News> {
    const beganAt = performance.now();
    if (beganAt - this.#lookedAt > pauseMsMax)
      throw new LostPlace('the database was away for too long');
    const news = await this.#db
      .transaction()
      .setIsolationLevel('repeatable read')
      .execute(async (trx) => await this.#look(trx, wanted));
    this.#lookedAt = beganAt;
    return news;
  }

  async #look(trx: Trx, wanted: readonly Wanted[]): Promise<News> {
    await refuseClusters(trx);
    const reading = await readNotes(trx, this.#snapshot);
    if (this.#snapshot?.isAheadOf(reading.snapshot))
      throw new LostPlace('the database is another one');
    const strangers = this.#strangers ?? (await this.#begin(trx, reading));
    const rows: (Found & { kind: RecordKind })[] = [];
    const [passedOver, left] = [byKind(() => 0), byKind<readonly number[]>(() => [])];
    for (const kind of recordKinds) {
      const ofKind = wanted.filter((each) => each.kind === kind);
      const committed = committedOf(reading.notes, kind, lookedAtMax);
      const { found, counts } = await newRows(trx, ofKind, committed, strangers[kind]);
      rows.push(...found.map((each) => ({ ...each, kind })));
      const taken = countsOf(ofKind, found);
      left[kind] = counts.map((count, index) => count - (taken[index] ?? 0));
      passedOver[kind] = committed.passedOver;
    }
    this.#snapshot = reading.snapshot;
    return { asOf: reading.asOf, rows, passedOver, left };
  }

  async #begin(trx: Trx, { snapshot }: Reading): Promise<Readonly<Record<RecordKind, Strangers>>> {
    const strangers = byKind((kind) => new Strangers(kind, snapshot));
    for (const kind of recordKinds) await strangers[kind].begin(trx);
    this.#strangers = strangers;
    return strangers;
  }
}

async function newRows(
  trx: Trx,
  wanted: readonly Wanted[],
  committed: Committed,
  strangers: Strangers,
): Promise<Matches> {
  const { by, spans, moved } = committed;
  const isNew = (rows: readonly MovedRow[]): boolean =>
    rows.some((row) => row.moved === 'filled' && by.has(row.before)) ||
    (rows.some((row) => row.moved === 'swept') && rows.every((row) => strangers.isNew(row.before)));
  const again = [...moved].filter(([, rows]) => isNew(rows));
  const [found, counts]: [Found[], number[]] = [[], wanted.map(() => 0)];
  const add = (more: Matches) => {
    found.push(...more.found);
    for (const [index, count] of more.counts.entries())
      counts[index] = (counts[index] ?? 0) + count;
  };
  if (wanted.length > 0 && by.size > 0) {
    const notAgain = moved.size > 0 ? sql`and id <> all(${[...moved.keys()]}::uuid[])` : sql``;
    const condition = sql<boolean>`xmin = any(${[...by]}::text[]::xid[]) ${notAgain}`;
    add(await findWanted(trx, wanted, mergeSpans(spans), condition, takenMax));
  }
  if (wanted.length > 0 && again.length > 0) {
    const ids = sql<boolean>`id = any(${again.map(([id]) => id)}::uuid[])`;
    const theirs = mergeSpans(again.flatMap(([, rows]) => rows.map(({ span }) => span)));
    add(await findWanted(trx, wanted, theirs, ids, takenMax));
  }
  const isKnown = ({ row }: Found): boolean =>
    (moved.get(row.id) ?? []).some(({ before }) => strangers.isKnown(before));
  const unrolled = (await strangers.find(trx, wanted)).filter((each) => !isKnown(each));
  add({ found: unrolled.slice(0, takenMax), counts: countsOf(wanted, unrolled) });
  return { found, counts };
}

/** Rows on workers do not say which transaction of the coordinator has written them. */
async function refuseClusters(trx: Trx): Promise<void> {
  if ((await layoutOf(trx)).size === 0) return;
  throw new ServiceError(
    'unimplemented',
    'the records lie on the workers of a Citus cluster, where Tail can not follow them: ask ListEvents or ListUsage for the newest again and again',
  );
}

/** Nobody knows any more what has been told. */
export class LostPlace extends ServiceError {
  constructor(why: string) {
    super('retryable', `the tail has lost its place, since ${why}: begin again`);
  }
}
