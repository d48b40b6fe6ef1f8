import type { ServiceError } from '../errors.ts';
import type { Allowance, Scope } from '../serve/caller.ts';
import { RequestError } from '../serve/request-error.ts';
import { Bucket } from './bucket.ts';
import type { KeyLimits } from './key.ts';

/** What all callers share. */
export interface Shared {
  readonly bufferBytesMax: number;
  readonly queryConnectionsMax: number;
}

/** What the callers of a name do and may. */
export interface KeyActivity {
  readonly use: KeyUse;
  readonly scopes: readonly Scope[];
  /** Streams that are open. */
  readonly streams: number;
  /** Milliseconds since 1970; 0: never. */
  readonly lastUsedMs: number;
}

const delayMsMax = 30_000;
const delayMsMin = 100;
/** How much the newest batch counts in what is known of all. */
const newestShare = 0.2;

/** What the callers of one name use, and what they may: counted before anything is refused. */
export class KeyUse implements Allowance {
  readonly name: string;
  requests = 0;
  /** Since it was last asked how much is asked for. */
  readonly asked = { records: 0, bytes: 0 };
  readonly records = { taken: 0, refused: 0 };
  bytes = 0;
  queries = 0;
  refusals = 0;
  readonly #shared: Shared;
  #limits: KeyLimits = {};
  #records: Bucket | undefined;
  #bytes: Bucket | undefined;
  #queryTime: Bucket | undefined;
  /** What a record of JSON takes, as far as is known. */
  #recordBytes = 200;
  #heldBytes = 0;
  #queriesOpen = 0;

  constructor(name: string, shared: Shared) {
    this.name = name;
    this.#shared = shared;
  }

  get limits(): KeyLimits {
    return this.#limits;
  }

  set limits(limits: KeyLimits) {
    const { recordsPerSecond, bytesPerSecond, queryShare } = this.#limits;
    if (limits.recordsPerSecond !== recordsPerSecond)
      this.#records = bucket(limits.recordsPerSecond);
    if (limits.bytesPerSecond !== bytesPerSecond) this.#bytes = bucket(limits.bytesPerSecond);
    if (limits.queryShare !== queryShare) this.#queryTime = this.#queryBucket(limits);
    this.#limits = limits;
  }

  /** This collector's part of the quotas, which all of them have together. */
  share(ofRecords: number, ofBytes: number): void {
    const { recordsPerSecond = 0, bytesPerSecond = 0 } = this.#limits;
    if (this.#records) this.#records.perSecond = recordsPerSecond * ofRecords;
    if (this.#bytes) this.#bytes.perSecond = bytesPerSecond * ofBytes;
  }

  refuseUnread(bytes: number): ServiceError | undefined {
    const waitMs = this.#owedMs;
    if (waitMs === 0) return undefined;
    return this.#refuseRecords(Math.max(1, Math.round(bytes / this.#recordBytes)), waitMs);
  }

  noteRead(records: number, bytes: number): void {
    if (records > 0) this.#recordBytes += (bytes / records - this.#recordBytes) * newestShare;
  }

  takeRecords(records: number): ServiceError | undefined {
    const waitMs = this.#owedMs;
    if (waitMs > 0) return this.#refuseRecords(records, waitMs);
    this.asked.records += records;
    this.#records?.take(records);
    this.records.taken += records;
    return undefined;
  }

  /** Milliseconds until there is room again. */
  get #owedMs(): number {
    return Math.max(this.#records?.waitMs ?? 0, this.#bytes?.waitMs ?? 0);
  }

  #refuseRecords(records: number, waitMs: number): ServiceError {
    this.asked.records += records;
    this.records.refused += records;
    return this.#refuse('its quota of records or bytes a second is used up', waitMs);
  }

  hold(bytes: number): ServiceError | undefined {
    this.asked.bytes += bytes;
    this.bytes += bytes;
    this.#bytes?.take(bytes);
    const max = (this.#limits.bufferShare ?? 1) * this.#shared.bufferBytesMax;
    if (this.#heldBytes > 0 && this.#heldBytes + bytes > max) {
      return this.#refuse('its share of the buffer is used up', delayMsMin);
    }
    this.#heldBytes += bytes;
    return undefined;
  }

  release(bytes: number): void {
    this.#heldBytes -= bytes;
  }

  beginQuery(): ServiceError | undefined {
    this.queries += 1;
    const waitMs = this.#queryTime?.waitMs ?? 0;
    if (waitMs > 0) return this.#refuse('its share of the time of queries is used up', waitMs);
    if (this.#queriesOpen >= this.#queriesMax) {
      return this.#refuse(`${this.#queriesOpen} of its queries are in progress`, 1000);
    }
    this.#queriesOpen += 1;
    return undefined;
  }

  endQuery(ms: number): void {
    this.#queriesOpen -= 1;
    this.#queryTime?.take(ms);
  }

  get #queriesMax(): number {
    const { queryShare } = this.#limits;
    if (queryShare === undefined) return Number.POSITIVE_INFINITY;
    return Math.max(1, Math.round(queryShare * this.#shared.queryConnectionsMax));
  }

  /** Of the milliseconds that all connections have in a second. */
  #queryBucket({ queryShare }: KeyLimits): Bucket | undefined {
    return bucket(queryShare && queryShare * this.#shared.queryConnectionsMax * 1000);
  }

  #refuse(what: string, waitMs: number): ServiceError {
    this.refusals += 1;
    const retryDelayMs = Math.min(Math.max(waitMs, delayMsMin), delayMsMax);
    return new RequestError('overloaded', 'quota', `key ${this.name}: ${what}; not stored`, {
      retryDelayMs,
    });
  }
}

const bucket = (perSecond: number | undefined): Bucket | undefined =>
  perSecond ? new Bucket(perSecond) : undefined;
