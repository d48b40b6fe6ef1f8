import { setTimeout as sleep } from 'node:timers/promises';
import type { MessageInitShape } from '@bufbuild/protobuf';
import { durationMs } from '@bufbuild/protobuf/wkt';
import { createClient } from '@connectrpc/connect';
import { createGrpcTransport } from '@connectrpc/connect-node';
import { uuidv7 } from 'uuidv7';
import {
  type BatchError,
  IngestService,
  type LogBatchResponse,
  type StreamBatchesRequestSchema,
} from '../../gen/typescript/gravitas/telemetry/v1/ingest_pb.js';
import type { Event } from './sampler.ts';

type Batch = MessageInitShape<typeof StreamBatchesRequestSchema>;

export interface BatchStreamOptions {
  readonly baseUrl: string;
  readonly onAcknowledged: (ack: LogBatchResponse) => void;
  /** A batch that will not be stored, however often it is sent. */
  readonly onRefused: (error: BatchError) => void;
  /** The stream broke; it is opened again after the delay. */
  readonly onBroken: (reason: unknown, delayMs: number) => void;
}

const delayMsMin = 250;
const delayMsMax = 30_000;

/** The collector asks for the batch to be sent again, no sooner than this. */
class TryAgain extends Error {
  readonly delayMs: number;

  constructor({ message, retryDelay }: BatchError) {
    super(message);
    this.delayMs = retryDelay ? durationMs(retryDelay) : 0;
  }
}

/**
 * Streams batches and keeps each until it is acknowledged. After a broken stream it opens another
 * and sends what is left again, with the ids it had: the collector stores nothing twice.
 */
export class BatchStream {
  readonly #options: BatchStreamOptions;
  readonly #client;
  /** In the order of sending, which is also the order of acknowledgements. */
  readonly #unacknowledged: Batch[] = [];
  #closed = false;
  #changed = Promise.withResolvers<void>();
  #delayMs = delayMsMin;

  constructor(options: BatchStreamOptions) {
    this.#options = options;
    // Pings find out that the other side is gone where nothing else says so.
    const transport = createGrpcTransport({ baseUrl: options.baseUrl, pingIntervalMs: 10_000 });
    this.#client = createClient(IngestService, transport);
  }

  get unacknowledged(): number {
    return this.#unacknowledged.length;
  }

  get #isDone(): boolean {
    return this.#closed && this.#unacknowledged.length === 0;
  }

  /** Queues a batch; it never waits. */
  send(events: Event[]): void {
    this.#unacknowledged.push({ batchId: uuidv7(), events });
    this.#wake();
  }

  /** No more batches follow: `run` ends with the last acknowledgement. */
  close(): void {
    this.#closed = true;
    this.#wake();
  }

  /** Sends until the stream is closed and all is acknowledged, or until the signal. */
  async run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted && !this.#isDone) {
      try {
        await this.#runOnce(signal);
      } catch (error) {
        if (!signal.aborted) await this.#pause(error, signal);
      }
    }
  }

  async #runOnce(signal: AbortSignal): Promise<void> {
    const attempt = new AbortController();
    const position = { sent: 0 };
    try {
      const answers = this.#client.streamBatches(this.#outgoing(position, attempt.signal), {
        signal: AbortSignal.any([signal, attempt.signal]),
      });
      for await (const { ack, error } of answers) {
        if (error?.retryDelay) throw new TryAgain(error);
        this.#unacknowledged.shift();
        position.sent -= 1;
        this.#delayMs = delayMsMin;
        if (ack) this.#options.onAcknowledged(ack);
        if (error) this.#options.onRefused(error);
      }
      // A stream that was cut can look like a finished one.
      if (!this.#isDone) throw new Error('the stream ended too early');
    } finally {
      attempt.abort();
    }
  }

  /** `position.sent` counts the batches in front that are under way on this stream. */
  async *#outgoing(position: { sent: number }, signal: AbortSignal): AsyncGenerator<Batch> {
    while (!signal.aborted) {
      const next = this.#unacknowledged[position.sent];
      if (next) {
        position.sent += 1;
        yield next;
      } else if (this.#closed) {
        return;
      } else {
        await this.#changed.promise;
      }
    }
  }

  /** Exponential backoff, spread so that many clients do not come back at the same moment. */
  async #pause(reason: unknown, signal: AbortSignal): Promise<void> {
    const askedMs = reason instanceof TryAgain ? reason.delayMs : 0;
    const delayMs = Math.max(askedMs, this.#delayMs * (0.5 + Math.random()));
    this.#delayMs = Math.min(2 * this.#delayMs, delayMsMax);
    this.#options.onBroken(reason, delayMs);
    await sleep(delayMs, undefined, { signal }).catch(() => {});
  }

  #wake(): void {
    this.#changed.resolve();
    this.#changed = Promise.withResolvers<void>();
  }
}
