import { type Chunk, Composition, type CompositionOptions } from './composition.ts';
import type { FlushResult, Tally } from './counters.ts';
import { Delivery } from './delivery.ts';
import { DropReport } from './drop-report.ts';
import type { Batch } from './encode.ts';
import type { Fallback } from './fallback.ts';
import type { Settings } from './options.ts';
import type { TelemetryRecord } from './records.ts';
import { textOf } from './texts.ts';
import { afterMs } from './timers.ts';
import type { Transport } from './transport.ts';
import { Waiters } from './waiters.ts';

export interface SenderOptions extends CompositionOptions {
  readonly settings: Settings;
  /** Names this process where there is no service name. */
  readonly host: string;
  readonly transport: Transport;
  readonly fallback: Fallback;
}

/** How often the spool is looked into for what others left there. */
const drainEveryMs = 30_000;

/** The queue, and what empties it. */
export class Sender {
  readonly #options: SenderOptions;
  readonly #settings: Settings;
  readonly #tally: Tally;
  readonly #composition: Composition;
  readonly #delivery: Delivery;
  readonly #chunks = new Set<Chunk>();
  readonly #handedOver = new WeakSet<Batch>();
  readonly #waiters = new Waiters();
  readonly #dropReport: DropReport;
  #queue: TelemetryRecord[] = [];
  #flushedAtEnd = 0;
  #lanes = 0;
  #flushes = 0;
  /** The oldest record has waited long enough. */
  #isDue = false;
  #isAgeTimed = false;
  #isClosed = false;
  #isExiting = false;

  constructor(options: SenderOptions) {
    this.#options = options;
    this.#settings = options.settings;
    this.#tally = options.tally;
    this.#composition = new Composition(options);
    const { serviceName } = options.settings;
    this.#dropReport = new DropReport(options.tally, serviceName || options.host);
    this.#delivery = new Delivery({
      ...options,
      onAnswered: () => this.#report(),
      isCrowded: () => this.#queue.length > this.#settings.queueEventsMax / 2,
    });
    afterMs(0, () => this.#drainNowAndThen());
  }

  /** Whether the record was taken. This is all that a caller of `log` waits for. */
  append(record: TelemetryRecord): boolean {
    if (this.#isClosed) return this.#isExiting && this.#keepNow(record);
    const waiting = this.#queue.length;
    if (waiting >= this.#settings.queueEventsMax) {
      this.#tally.drop('queue_full', 1);
      return false;
    }
    this.#queue.push(record);
    this.#tally.taken += 1;
    if (waiting === 0) this.#wakeWhenAged();
    if (waiting + 1 === this.#settings.batchEventsMax) afterMs(0, () => this.#pump());
    return true;
  }

  /** Waits until all that was taken before has its answer, or is with the fallback. */
  async flush(timeoutMs: number): Promise<FlushResult> {
    const target = this.#tally.taken;
    const result = this.#tally.watch();
    this.#flushes += 1;
    this.#pump();
    const settled = await this.#waiters.until(() => this.#isSettledBelow(target), timeoutMs);
    this.#flushes -= 1;
    if (settled) await this.#options.fallback.waiting?.closeFile();
    return result(settled);
  }

  /** Flushes what was taken since the last call; the end of a process asks until it is quiet. */
  flushAtEnd(timeoutMs: number): void {
    if (this.#flushedAtEnd === this.#tally.taken) return;
    this.#flushedAtEnd = this.#tally.taken;
    void this.flush(timeoutMs);
  }

  /** Like flush; then nothing is taken or sent any more, and the fallback has the rest. */
  async close(timeoutMs: number): Promise<FlushResult> {
    const result = this.#tally.watch();
    this.#isClosed = true;
    await this.flush(timeoutMs);
    this.abandon();
    this.#options.transport.close();
    return result(true);
  }

  /** Gives all that has no answer to the fallback, at once: at the end of a process. */
  abandon(): void {
    if (this.#delivery.isStopped) return;
    this.#isClosed = true;
    // First: what comes of ending that which is under way costs no record its place.
    this.#options.fallback.takeNow(this.#takeAll());
    this.#delivery.stop();
    this.#waiters.changed();
  }

  /** The same; hooks of the application that run later may still log. */
  abandonAtExit(): void {
    this.abandon();
    this.#isExiting = true;
  }

  #keepNow(record: TelemetryRecord): boolean {
    const chunk = { first: this.#tally.taken, records: [record], batch: undefined };
    this.#tally.taken += 1;
    this.#options.fallback.takeNow(this.#batchesOf(chunk, this.#settings.batchBytesMax));
    return true;
  }

  /** Sends all that waits or is under way in another way, as far as that can be done at once. */
  handOver(transport: Transport, batchBytesMax: number): void {
    for (const { batch } of this.#chunks) {
      if (!batch || this.#handedOver.has(batch)) continue;
      this.#handedOver.add(batch);
      void transport.send(batch, new AbortController().signal);
    }
    const waiting = this.#takeChunk(this.#queue.length);
    for (const batch of this.#batchesOf(waiting, batchBytesMax)) {
      const chunk = { first: waiting.first, records: [], batch };
      this.#chunks.add(chunk);
      this.#handedOver.add(batch);
      void this.#delivery.deliver(batch, transport).finally(() => this.#done(chunk));
    }
  }

  /** Batches of everything that has no answer yet. */
  #takeAll(): Batch[] {
    const chunks = [...this.#chunks, this.#takeChunk(this.#queue.length)];
    this.#chunks.clear();
    return chunks.flatMap((chunk) => this.#batchesOf(chunk, this.#settings.batchBytesMax));
  }

  #batchesOf(chunk: Chunk, bytesMax: number): Batch[] {
    return this.#composition.batchesOf(chunk, this.#settings.batchEventsMax, bytesMax);
  }

  #wakeWhenAged(): void {
    if (this.#isAgeTimed) return;
    this.#isAgeTimed = true;
    afterMs(this.#settings.batchAgeMsMax, () => this.#aged());
  }

  /** While records keep coming the timer goes on: setting one is what would cost a caller most. */
  #aged(): void {
    this.#isAgeTimed = false;
    if (this.#queue.length === 0) return;
    this.#isDue = true;
    this.#wakeWhenAged();
    this.#pump();
  }

  #pump(): void {
    while (this.#lanes < this.#options.transport.parallel && this.#hasDue()) {
      this.#lanes += 1;
      void this.#runLane();
    }
  }

  #hasDue(): boolean {
    const waiting = this.#queue.length;
    if (waiting === 0 || this.#delivery.isStopped) return false;
    return this.#isDue || this.#flushes > 0 || waiting >= this.#settings.batchEventsMax;
  }

  async #runLane(): Promise<void> {
    while (this.#hasDue()) {
      const chunk = this.#takeChunk(this.#settings.batchEventsMax);
      this.#chunks.add(chunk);
      await this.#sendOrKeep(chunk);
      this.#done(chunk);
    }
    this.#lanes -= 1;
  }

  /** Whatever is thrown meanwhile, what the chunk holds finds its place (clause 3.8). */
  async #sendOrKeep(chunk: Chunk): Promise<void> {
    try {
      await this.#send(chunk);
    } catch (error) {
      this.#options.notices.warn(`unexpected: ${textOf(error)}`);
      for (const batch of this.#batchesOf(chunk, this.#settings.batchBytesMax)) {
        await this.#options.fallback.take(batch);
      }
    }
  }

  #done(chunk: Chunk): void {
    this.#chunks.delete(chunk);
    this.#waiters.changed();
  }

  #takeChunk(recordsMax: number): Chunk {
    const first = this.#tally.taken - this.#queue.length;
    const records = this.#queue.splice(0, recordsMax);
    this.#isDue = false;
    if (this.#queue.length > 0) this.#wakeWhenAged();
    return { first, records, batch: undefined };
  }

  async #send(chunk: Chunk): Promise<void> {
    const hasStopped = () => this.#delivery.isStopped;
    while (chunk.records.length > 0 && !hasStopped()) {
      await this.#composition.compose(chunk, this.#settings.batchBytesMax, hasStopped);
      if (hasStopped()) return;
      if (chunk.batch) await this.#delivery.deliver(chunk.batch);
      if (hasStopped()) return;
      chunk.batch = undefined;
    }
  }

  #isSettledBelow(target: number): boolean {
    if (this.#tally.taken - this.#queue.length < target) return false;
    return [...this.#chunks].every(({ first }) => first >= target);
  }

  #report(): void {
    const record = this.#isClosed ? undefined : this.#dropReport.record();
    if (record) this.append(record);
  }

  #drainNowAndThen(): void {
    if (this.#delivery.isStopped) return;
    this.#delivery.drain();
    afterMs(drainEveryMs, () => this.#drainNowAndThen());
  }
}
