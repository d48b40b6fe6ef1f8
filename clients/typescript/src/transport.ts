import type { Answer } from './answers.ts';

/** What is sent: a LogBatchRequest with the id that it keeps. */
export interface Sendable {
  readonly id: string;
  readonly records: number;
  readonly bytes: Uint8Array<ArrayBuffer>;
}

/** A way to the service. */
export interface Transport {
  /** How many batches it is worth to have under way. */
  readonly parallel: number;
  /** One try; never rejects. */
  send(batch: Sendable, signal: AbortSignal): Promise<Answer>;
  close(): void;
}

export interface HttpResponse {
  readonly status: number;
  readonly contentType: string | null | undefined;
  readonly retryAfter: string | null | undefined;
  readonly body: Uint8Array;
}

export interface HttpRequest {
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Uint8Array<ArrayBuffer>;
  readonly signal: AbortSignal;
}

/** POSTs; rejects where no whole answer came. */
export type Post = (request: HttpRequest) => Promise<HttpResponse>;

interface StreamedResponse extends Omit<HttpResponse, 'body'> {
  readonly body: AsyncIterable<Uint8Array>;
}

/** The same, with an answer that comes piece by piece. */
export type Stream = (request: HttpRequest) => Promise<StreamedResponse>;

/** The time to connect, and for one try in all (clause 3.5). */
export const connectMsMax = 1000;
export const tryMsMax = 5000;
