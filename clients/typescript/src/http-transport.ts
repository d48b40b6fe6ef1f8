import { fromBinary } from '@bufbuild/protobuf';
import { IngestService, LogBatchResponseSchema } from '../gen/gravitas/telemetry/v1/ingest_pb.js';
import { type Answer, judge, readFailure } from './answers.ts';
import type { Poster } from './platform.ts';
import { textOf } from './texts.ts';
import { afterMs } from './timers.ts';
import { type HttpResponse, type Sendable, type Transport, tryMsMax } from './transport.ts';

/** Below this compression costs more than it saves (clause 3.1). */
const gzipBytesMin = 1024;

export interface HttpTransportOptions {
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly poster: Pick<Poster, 'post' | 'close'>;
  /** Absent: nothing is compressed. */
  readonly gzip?: (bytes: Uint8Array<ArrayBuffer>) => Promise<Uint8Array<ArrayBuffer>>;
}

export const connectHeaders = {
  'content-type': 'application/proto',
  'connect-protocol-version': '1',
};

const logBatchPath = `/${IngestService.typeName}/${IngestService.method.logBatch.name}`;

/** IngestService.LogBatch by the unary protocol of Connect. */
export class HttpTransport implements Transport {
  readonly parallel = 2;
  readonly #options: HttpTransportOptions;

  constructor(options: HttpTransportOptions) {
    this.#options = options;
  }

  async send(batch: Sendable, signal: AbortSignal): Promise<Answer> {
    const tried = new AbortController();
    const abort = () => tried.abort();
    const timeout = afterMs(tryMsMax, abort);
    signal.addEventListener('abort', abort);
    try {
      return await this.#post(batch, tried.signal);
    } catch (error) {
      const timedOut = tried.signal.aborted && !signal.aborted;
      const message = timedOut ? `no answer within ${tryMsMax} ms` : textOf(error);
      return { kind: 'tryAgain', message };
    } finally {
      timeout.cancel();
      signal.removeEventListener('abort', abort);
    }
  }

  close(): void {
    this.#options.poster.close();
  }

  async #post(batch: Sendable, signal: AbortSignal): Promise<Answer> {
    const { url, poster, gzip } = this.#options;
    const headers: Record<string, string> = { ...this.#options.headers, ...connectHeaders };
    let body = batch.bytes;
    if (gzip && body.length > gzipBytesMin) {
      body = await gzip(body);
      headers['content-encoding'] = 'gzip';
    }
    const response = await poster.post({ url: url + logBatchPath, headers, body, signal });
    if (response.status !== 200) {
      return judge(readFailure(response.status, response.body, response.retryAfter));
    }
    return readAcknowledgement(batch.id, response);
  }
}

/** Anything may answer with a success: a page, or another server (clause 3.2). */
function readAcknowledgement(id: string, { body, contentType }: HttpResponse): Answer {
  try {
    const { batchId, rejected } = fromBinary(LogBatchResponseSchema, body);
    if (batchId.toLowerCase() === id.toLowerCase()) return { kind: 'acknowledged', rejected };
  } catch {
    // Not even protobuf.
  }
  return {
    kind: 'tryAgain',
    message: `a success that is not the service's, of type ${contentType}`,
  };
}
