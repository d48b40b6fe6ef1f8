import { type BeforeSend, hooked } from './before-send.ts';
import type { Tally } from './counters.ts';
import { type Batch, Composer } from './encode.ts';
import type { Notices } from './notices.ts';
import type { TelemetryRecord } from './records.ts';
import type { Storable } from './storable.ts';
import { textOf } from './texts.ts';

/** Records that have left the queue, until each of them is settled. */
export interface Chunk {
  /** The position of the first among all records ever taken. */
  readonly first: number;
  records: readonly TelemetryRecord[];
  /** Composed of records that are no longer in `records`. */
  batch: Batch | undefined;
}

export interface CompositionOptions {
  /** What records carry as metadata.resource. */
  readonly resource: Storable | undefined;
  readonly beforeSend: BeforeSend | undefined;
  readonly tally: Tally;
  readonly notices: Notices;
  /** Lets the event loop see to others. */
  readonly breathe: () => Promise<void>;
}

/** How long encoding may hold the event loop. */
const sliceMsMax = 2;
const recordsBetweenLooks = 16;

/** Makes batches of records; those that can't be encoded are counted and left out. */
export class Composition {
  readonly #options: CompositionOptions;

  constructor(options: CompositionOptions) {
    this.#options = options;
  }

  /** All batches of a chunk, at once. */
  batchesOf(chunk: Chunk, eventsMax: number, bytesMax: number): Batch[] {
    const batches = chunk.batch ? [chunk.batch] : [];
    while (chunk.records.length > 0) {
      const composer = new Composer(this.#options.resource, bytesMax);
      const consumed = this.#add(composer, chunk.records.slice(0, eventsMax));
      chunk.records = chunk.records.slice(consumed);
      if (composer.records > 0) batches.push(composer.finish());
    }
    return batches;
  }

  /** Moves records of a chunk to its batch, a slice at a time, unless it stops in between. */
  async compose(chunk: Chunk, bytesMax: number, hasStopped: () => boolean): Promise<void> {
    const composer = new Composer(this.#options.resource, bytesMax);
    const { records } = chunk;
    let consumed = 0;
    let untilMs = performance.now() + sliceMsMax;
    while (consumed < records.length && !composer.isFull) {
      const some = records.slice(consumed, consumed + recordsBetweenLooks);
      consumed += this.#add(composer, some);
      if (performance.now() < untilMs) continue;
      await this.#options.breathe();
      if (hasStopped()) return;
      untilMs = performance.now() + sliceMsMax;
    }
    chunk.records = records.slice(consumed);
    chunk.batch = composer.records > 0 ? composer.finish() : undefined;
  }

  /** How many of the records are in the batch, or left out. */
  #add(composer: Composer, records: readonly TelemetryRecord[]): number {
    let consumed = 0;
    for (const record of records) {
      if (composer.isFull) break;
      consumed += 1;
      this.#addOne(composer, record);
    }
    return consumed;
  }

  /** One that can't be encoded costs nothing but itself. */
  #addOne(composer: Composer, record: TelemetryRecord): void {
    const { beforeSend, tally, notices } = this.#options;
    let sent: TelemetryRecord | undefined = record;
    try {
      if (beforeSend) sent = hooked(record, beforeSend);
    } catch (error) {
      notices.warn(`beforeSend fails, and a record is dropped: ${textOf(error)}`);
      sent = undefined;
    }
    if (!sent) {
      tally.drop('withheld', 1);
      return;
    }
    try {
      composer.add(sent);
    } catch (error) {
      tally.drop('invalid', 1);
      notices.warn(`a record is dropped: ${textOf(error)}`);
    }
  }
}
