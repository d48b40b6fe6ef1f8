import type { ConnectError } from '@connectrpc/connect';
import type { UniversalServerResponse } from '@connectrpc/connect/protocol';

/** An answer that is complete before anything of it is sent. */
export interface SentAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Uint8Array | string;
}

/** The same, in bytes. */
export interface WholeAnswer extends SentAnswer {
  readonly body: Uint8Array;
}

/** How one protocol writes errors. */
export interface Protocol {
  /** What a path is that nobody serves: gRPC knows methods only. */
  readonly unknownPath: 'notFound' | 'unimplemented';
  /** An answer that says nothing but the error, to a request of a content type. */
  refuse(error: ConnectError, contentType: string): WholeAnswer;
  /**
   * The library's answer, in which the error, where it has one, is what `failure` gives. What the
   * handler said in headers and in its trailer stays.
   */
  retell(
    response: UniversalServerResponse,
    failure: () => ConnectError,
    trailer: Headers,
  ): UniversalServerResponse;
}

/** `before`: headers that the answer has besides, unless it says otherwise. */
export function toUniversal(
  { status, headers, body }: WholeAnswer,
  before?: Headers,
): UniversalServerResponse {
  const header = new Headers(before);
  header.delete('content-encoding');
  for (const [name, value] of Object.entries(headers)) header.set(name, value);
  header.set('content-length', String(body.byteLength));
  return { status, header, body: once(body) };
}

/** A body of one part. */
async function* once(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes;
}

/**
 * Replaces the envelope that ends a stream where it says an error. Each chunk is one envelope, as
 * the library writes them; a compressed end is an error's, since others are too small for that.
 */
export function replaceEnd(
  response: UniversalServerResponse,
  end: { readonly flag: number; isError(text: string): boolean; encode(): Uint8Array },
): UniversalServerResponse {
  const { body } = response;
  if (!body) return response;
  const isErrorEnd = (envelope: Uint8Array) => {
    const flags = envelope[0] ?? 0;
    if ((flags & end.flag) === 0) return false;
    return flags !== end.flag || end.isError(Buffer.from(envelope.subarray(5)).toString('latin1'));
  };
  async function* replaced(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
    for await (const chunk of chunks) yield isErrorEnd(chunk) ? end.encode() : chunk;
  }
  return { ...response, body: replaced(body) };
}
