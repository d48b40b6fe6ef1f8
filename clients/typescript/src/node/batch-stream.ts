import { fromBinary } from '@bufbuild/protobuf';
import type { Transport as Connection } from '@connectrpc/connect';
import { RetryInfoSchema } from '../../gen/google/rpc/error_details_pb.js';
import {
  type BinaryBatch,
  BinaryBatchSchema,
} from '../../gen/gravitas/telemetry/internal/v1/raw_ingest_pb.js';
import {
  type BatchError,
  IngestService,
  type StreamBatchesResponse,
} from '../../gen/gravitas/telemetry/v1/ingest_pb.js';
import { type Answer, type Failure, judge } from '../answers.ts';
import { retryDelayMs, retryDurationMs } from '../retry-delay.ts';
import { textOf } from '../texts.ts';
import { afterMs } from '../timers.ts';
import type { Sendable } from '../transport.ts';

/** The method of the contract, with a request whose records are encoded already. */
const method = { ...IngestService.method.streamBatches, input: BinaryBatchSchema };
/** An idle stream is ended: what is open keeps the other side busy. */
const idleMs = 1000;

interface Pending {
  readonly id: string;
  readonly resolve: (answer: Answer) => void;
}

/** One stream; batches are answered in the order sent. When it breaks, none of the rest are. */
export class BatchStream {
  readonly #abort = new AbortController();
  readonly #outgoing: BinaryBatch[] = [];
  readonly #pending: Pending[] = [];
  #wake: () => void = () => {};
  #idle: { cancel(): void } | undefined;
  isOver = false;

  constructor(connection: Connection, headers: Readonly<Record<string, string>>) {
    void this.#run(connection, headers);
  }

  send(batch: Sendable, signal: AbortSignal, timeoutMs: number): Promise<Answer> {
    this.#idle?.cancel();
    const abort = () => this.#abort.abort();
    const timeout = afterMs(timeoutMs, abort);
    signal.addEventListener('abort', abort);
    this.#outgoing.push(fromBinary(BinaryBatchSchema, batch.bytes));
    this.#wake();
    return new Promise<Answer>((resolve) => this.#pending.push({ id: batch.id, resolve })).finally(
      () => {
        timeout.cancel();
        signal.removeEventListener('abort', abort);
      },
    );
  }

  /** No more batches follow. */
  end(): void {
    this.isOver = true;
    this.#wake();
  }

  async #run(connection: Connection, headers: Readonly<Record<string, string>>): Promise<void> {
    let failure: Failure = { message: 'the stream ended' };
    try {
      const batches = this.#batches();
      const signal = this.#abort.signal;
      const answers = await connection.stream(method, signal, undefined, headers, batches);
      for await (const answer of answers.message) this.#answered(answer);
    } catch (error) {
      failure = await failureOf(error);
    }
    this.end();
    const rest = this.#pending.splice(0);
    // Of several batches it is not known which one the server is at odds with.
    const { message, retryDelayMs: delayMs } = failure;
    const answer: Answer =
      rest.length === 1 ? judge(failure) : { kind: 'tryAgain', delayMs, message };
    for (const { resolve } of rest) resolve(answer);
  }

  #answered({ ack, error }: StreamBatchesResponse): void {
    const pending = this.#pending.shift();
    if (error) pending?.resolve(judge(batchFailure(error)));
    else if (ack && ack.batchId === pending?.id) {
      pending.resolve({ kind: 'acknowledged', rejected: ack.rejected });
    } else pending?.resolve({ kind: 'tryAgain', message: 'an answer that is not of the service' });
    if (this.#pending.length === 0) this.#idle = afterMs(idleMs, () => this.end());
  }

  async *#batches(): AsyncGenerator<BinaryBatch> {
    for (;;) {
      const next = this.#outgoing.shift();
      if (next) yield next;
      else if (this.isOver) return;
      else
        await new Promise<void>((resolve) => {
          this.#wake = resolve;
        });
    }
  }
}

/** Names of the codes as Connect spells them; those that are told apart. */
const codeNames: Readonly<Record<number, string>> = {
  3: 'invalid_argument',
  6: 'already_exists',
  8: 'resource_exhausted',
  9: 'failed_precondition',
  11: 'out_of_range',
};

function batchFailure({ code, message, retryDelay }: BatchError): Failure {
  const delayMs = retryDurationMs(retryDelay);
  return { code: codeNames[code], message: `${code}: ${message}`, retryDelayMs: delayMs };
}

export async function failureOf(error: unknown): Promise<Failure> {
  try {
    const { ConnectError } = await import(
      /* webpackIgnore: true */ /* @vite-ignore */ '@connectrpc/connect'
    );
    const failed = ConnectError.from(error);
    const [retry] = failed.findDetails(RetryInfoSchema);
    // A page of what is in between has no more than that, and its head.
    const [, page] = /^HTTP (\d{3})$/.exec(failed.rawMessage) ?? [];
    return {
      code: page ? undefined : codeNames[failed.code],
      status: page ? Number(page) : undefined,
      message: failed.message,
      retryDelayMs:
        retryDurationMs(retry?.retryDelay) ?? retryDelayMs(failed.metadata.get('retry-after')),
    };
  } catch {
    return { message: textOf(error) };
  }
}
