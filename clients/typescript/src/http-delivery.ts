import { fromBinary } from '@bufbuild/protobuf';
import { IngestService, LogBatchResponseSchema } from '../gen/gravitas/telemetry/v1/ingest_pb.js';
import { type Delivery, type Post, type Sendable, tryMsMax } from './delivery.ts';
import { type Outcome, outcomeOf, readFailure } from './outcome.ts';
import { afterMs } from './timers.ts';

/** Below this compression costs more than it saves (clause 3.1). */
const gzipBytesMin = 1024;

export interface HttpDeliveryOptions {
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly post: Post;
  /** Absent: nothing is compressed. */
  readonly gzip?: (bytes: Uint8Array<ArrayBuffer>) => Promise<Uint8Array<ArrayBuffer>>;
}

export const connectHeaders = {
  'content-type': 'application/proto',
  'connect-protocol-version': '1',
};

const logBatchPath = `/${IngestService.typeName}/${IngestService.method.logBatch.name}`;

/** IngestService.LogBatch by the unary protocol of Connect. */
export class HttpDelivery implements Delivery {
  readonly parallel = 2;
  readonly #options: HttpDeliveryOptions;

  constructor(options: HttpDeliveryOptions) {
    this.#options = options;
  }

  async send(batch: Sendable, signal: AbortSignal): Promise<Outcome> {
    const tried = new AbortController();
    const abort = () => tried.abort();
    const timeout = afterMs(tryMsMax, abort);
    signal.addEventListener('abort', abort);
    try {
      return await this.#post(batch, tried.signal);
    } catch (error) {
      const timedOut = tried.signal.aborted && !signal.aborted;
      const message = timedOut ? `no answer within ${tryMsMax} ms` : String(error);
      return { kind: 'again', message };
    } finally {
      timeout.cancel();
      signal.removeEventListener('abort', abort);
    }
  }

  close(): void {}

  async #post(batch: Sendable, signal: AbortSignal): Promise<Outcome> {
    const { url, post, gzip } = this.#options;
    const headers: Record<string, string> = { ...this.#options.headers, ...connectHeaders };
    let body = batch.bytes;
    if (gzip && body.length > gzipBytesMin) {
      body = await gzip(body);
      headers['content-encoding'] = 'gzip';
    }
    const answer = await post({ url: url + logBatchPath, headers, body, signal });
    if (answer.status !== 200) {
      return outcomeOf(readFailure(answer.status, answer.body, answer.retryAfter));
    }
    const { rejected } = fromBinary(LogBatchResponseSchema, answer.body);
    return { kind: 'acknowledged', rejected };
  }
}
