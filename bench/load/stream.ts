import { setTimeout as sleep } from 'node:timers/promises';
import { uuidv7 } from 'uuidv7';
import { BatchTemplate } from '../support/batch-template.ts';
import { type Latencies, latencies } from '../support/statistics.ts';
import type { UsageShape } from '../support/usage.ts';
import type { BatchAnswer } from './batch-answer.ts';
import { serveLoad } from './child.ts';
import { Pacer } from './pace.ts';
import { type Slot, StreamConnection } from './stream-connection.ts';

export interface StreamOptions {
  readonly port: number;
  readonly connections: number;
  readonly batchRows: number;
  readonly batches: number;
  /** Absent: as fast as acknowledgements allow. */
  readonly batchesPerSecond?: number;
  readonly seed: number;
  /** Usage records in place of events. */
  readonly usage?: UsageShape;
  /** Of the events; absent: those of the application. */
  readonly components?: number;
  /** A key. */
  readonly token?: string;
}

export interface StreamResult extends Latencies {
  /** Acknowledged. */
  readonly rows: number;
  readonly seconds: number;
  readonly batchesSpooled: number;
  readonly retries: number;
}

/** Events on their way at a time: enough to keep all writers busy. */
const rowsInFlight = 40_000;
/** As many batches of one stream as the collector takes before it acknowledges. */
const slotsMax = 64;
const slotsMin = 4;
const templatesMax = 16;
const refusedPauseMs = 50;

class StreamLoad {
  readonly #options: StreamOptions;
  readonly #connections: StreamConnection[];
  readonly #latenciesMs: number[] = [];
  readonly #done = Promise.withResolvers<void>();
  #pacer: Pacer | undefined;
  #next = 0;
  #rows = 0;
  #spooled = 0;
  #retries = 0;

  constructor(options: StreamOptions) {
    this.#options = options;
    const { port, connections, batchRows, batches, seed } = options;
    const wanted = Math.ceil(rowsInFlight / (batchRows * connections));
    const slots = Math.min(slotsMax, Math.max(slotsMin, wanted));
    const different = Math.min(templatesMax, batches, slots * connections);
    const templates = Array.from({ length: different }, (_, index) =>
      BatchTemplate.encode(batchRows, seed + index, options),
    );
    this.#connections = Array.from({ length: connections }, (_, connection) => {
      const own = Array.from({ length: slots }, (_, slot) =>
        (templates[(connection * slots + slot) % different] as BatchTemplate).copy(),
      );
      const onAnswers = (answers: readonly [Slot, BatchAnswer][]) => {
        for (const [slot, { acknowledged, spooled, records }] of answers) {
          if (acknowledged) this.#acknowledged(stream, slot, spooled, records);
          else this.#refused(stream, slot);
        }
        this.#pacer?.again();
      };
      const stream = new StreamConnection(port, own, onAnswers, options.token);
      return stream;
    });
  }

  async open(): Promise<void> {
    await Promise.all(this.#connections.map((connection) => connection.opened()));
  }

  async run(): Promise<StreamResult> {
    const { batches, batchesPerSecond } = this.#options;
    const startMs = performance.now();
    const hasRoom = () => this.#connections.some(({ free }) => free.length > 0);
    const pace = { total: batches, perSecond: batchesPerSecond };
    this.#pacer = new Pacer(pace, hasRoom, (dueMs) => this.#send(dueMs));
    this.#pacer.again();
    await this.#done.promise;
    const seconds = (performance.now() - startMs) / 1000;
    await Promise.all(this.#connections.map((connection) => connection.close()));
    return {
      rows: this.#rows,
      seconds,
      batchesSpooled: this.#spooled,
      retries: this.#retries,
      ...latencies(this.#latenciesMs),
    };
  }

  /** On the connections in turn, as long as they have room. */
  #send(dueMs: number): void {
    for (;;) {
      const connection = this.#connections[this.#next++ % this.#connections.length];
      const slot = connection?.free.pop();
      if (!connection || !slot) continue;
      slot.batchId = uuidv7();
      slot.dueMs = dueMs;
      connection.send(slot);
      return;
    }
  }

  #acknowledged({ free }: StreamConnection, slot: Slot, spooled: boolean, records: number): void {
    if (records !== slot.template.rows) {
      throw new Error(`${records} records were stored of a batch`);
    }
    this.#latenciesMs.push(performance.now() - slot.dueMs);
    this.#rows += records;
    if (spooled) this.#spooled += 1;
    free.push(slot);
    if (this.#latenciesMs.length === this.#options.batches) this.#done.resolve();
  }

  #refused(connection: StreamConnection, slot: Slot): void {
    this.#retries += 1;
    sleep(refusedPauseMs).then(() => connection.send(slot));
  }
}

await serveLoad(async (options: StreamOptions) => {
  const load = new StreamLoad(options);
  await load.open();
  return () => load.run();
});
