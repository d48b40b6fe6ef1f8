import { setTimeout as sleep } from 'node:timers/promises';
import type { Kysely } from 'kysely';
import type { Database } from '../../database/schema.ts';
import { ServiceError } from '../../errors.ts';
import { pause } from '../../pause.ts';
import { type RecordKind, recordKinds } from '../../records/tables.ts';
import { CommitFeed, LostPlace, type News } from './commit-feed.ts';
import type { Wanted } from './followed-rows.ts';
import type { TailReader } from './tail-reader.ts';
import { sizedRecord } from './tail-records.ts';

/** From the begin of a look to the begin of the next. */
const lookEveryMs = 100;
/** A look that takes long is followed by a pause that is so many times as long. */
const restShare = 3;
const retryMs = 500;

export interface Subscription {
  readonly reader: TailReader;
  readonly wanted: Partial<Readonly<Record<RecordKind, Wanted>>>;
}

interface Arriving {
  readonly subscription: Subscription;
  readonly joined: PromiseWithResolvers<void>;
}

/** One for all streams of a collector: looks for news as long as there is somebody to tell. */
export class TailHub {
  readonly #db: Kysely<Database>;
  readonly #max: number;
  readonly #readers = new Set<Subscription>();
  #arriving: Arriving[] = [];
  #isRunning = false;
  #hurry = new AbortController();

  /** `db`: with a connection for nothing else; `max`: streams at a time. */
  constructor(db: Kysely<Database>, max: number) {
    this.#db = db;
    this.#max = max;
  }

  get size(): number {
    return this.#readers.size + this.#arriving.length;
  }

  /** Tells a reader what is committed from now on; resolves when it has its place. */
  async join(subscription: Subscription): Promise<void> {
    if (this.size >= this.#max) {
      const text = `${this.#max} tails are open; that is the limit`;
      throw new ServiceError('overloaded', text);
    }
    const joined = Promise.withResolvers<void>();
    this.#arriving.push({ subscription, joined });
    if (this.#isRunning) this.#hurry.abort();
    else this.#run();
    await joined.promise;
  }

  leave(subscription: Subscription): void {
    this.#readers.delete(subscription);
    this.#arriving = this.#arriving.filter((each) => each.subscription !== subscription);
    this.#hurry.abort();
  }

  async #run(): Promise<void> {
    this.#isRunning = true;
    let feed = new CommitFeed(this.#db);
    while (this.size > 0) {
      const beganAt = performance.now();
      this.#hurry = new AbortController();
      const arriving = this.#arriving;
      try {
        await this.#tellNews(feed, arriving);
        const tookMs = performance.now() - beganAt;
        await pause(Math.max(lookEveryMs - tookMs, restShare * tookMs), this.#hurry.signal);
      } catch (error) {
        for (const { joined } of this.#taken(arriving)) joined.reject(error);
        if (error instanceof LostPlace || isFinal(error)) {
          for (const { reader } of this.#readers) reader.end(error as Error);
          this.#readers.clear();
          feed = new CommitFeed(this.#db);
        }
        await sleep(retryMs);
      }
    }
    this.#isRunning = false;
  }

  /** Those who have not left meanwhile. */
  #taken(arriving: readonly Arriving[]): Arriving[] {
    const there = arriving.filter((each) => this.#arriving.includes(each));
    this.#arriving = this.#arriving.filter((each) => !there.includes(each));
    return there;
  }

  async #tellNews(feed: CommitFeed, arriving: readonly Arriving[]): Promise<void> {
    const readers = [...this.#readers];
    const wantedBy = new Map(
      recordKinds.map((kind) => [kind, readers.filter(({ wanted }) => wanted[kind])]),
    );
    const wanted = recordKinds.flatMap((kind) =>
      (wantedBy.get(kind) ?? []).flatMap((each) => each.wanted[kind] ?? []),
    );
    const news = await feed.look(wanted);
    for (const kind of recordKinds) tell(news, kind, wantedBy.get(kind) ?? []);
    for (const { subscription, joined } of this.#taken(arriving)) {
      this.#readers.add(subscription);
      joined.resolve();
    }
    for (const { reader } of this.#readers) reader.reached(news.asOf);
  }
}

/** Nobody can be told, however often it is tried. */
const isFinal = (error: unknown): boolean =>
  error instanceof ServiceError && error.kind === 'unimplemented';

function tell(news: News, kind: RecordKind, readers: readonly Subscription[]): void {
  for (const { row, isWanted } of news.rows.filter((each) => each.kind === kind)) {
    const record = isWanted.includes(true) ? sizedRecord(row) : undefined;
    if (!record) continue;
    for (const [index, { reader }] of readers.entries()) if (isWanted[index]) reader.offer(record);
  }
  for (const [index, { reader }] of readers.entries()) {
    reader.skip((news.left[kind][index] ?? 0) + news.passedOver[kind]);
  }
}
