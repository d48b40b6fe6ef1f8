import type { UniversalServerRequest, UniversalServerResponse } from '@connectrpc/connect/protocol';
import { ServiceError } from '../../errors.ts';

/**
 * gRPC-Web as text, for browsers that give a page no bytes of an answer before its end: the same
 * bytes in base64, in pieces that are each padded for themselves.
 * https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-WEB.md#protocol-differences-vs-grpc-over-http2
 */
const textType = /^application\/grpc-web-text\b/i;

export const isText = (contentType: string | null | undefined): boolean =>
  textType.test(contentType ?? '');

export const base64 = (bytes: Uint8Array): Uint8Array =>
  Buffer.from(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('base64'));

/** The request as gRPC-Web has it in binary; any other as it is. */
export function binaryRequest(request: UniversalServerRequest): UniversalServerRequest {
  const contentType = request.header.get('content-type');
  if (!isText(contentType)) return request;
  const header = new Headers(request.header);
  header.set('content-type', (contentType as string).replace(textType, 'application/grpc-web'));
  return { ...request, header, body: decoded(request.body as AsyncIterable<Uint8Array>) };
}

/** The answer to a request, as text where that is. */
export function textAnswer(
  answer: UniversalServerResponse,
  request: UniversalServerRequest,
): UniversalServerResponse {
  const contentType = request.header.get('content-type');
  if (!isText(contentType)) return answer;
  const header = new Headers(answer.header);
  header.set('content-type', contentType as string);
  header.delete('content-length');
  return { ...answer, header, body: encoded(answer.body as AsyncIterable<Uint8Array>) };
}

async function* encoded(chunks: AsyncIterable<Uint8Array> = none()): AsyncGenerator<Uint8Array> {
  for await (const chunk of chunks) yield base64(chunk);
}

/** Four characters are three bytes, wherever chunks and padding end. */
async function* decoded(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  let held = '';
  for await (const chunk of chunks) {
    const text =
      held +
      Buffer.from(chunk)
        .toString('latin1')
        .replace(/[\r\n]/g, '');
    const whole = text.length - (text.length % 4);
    held = text.slice(whole);
    yield* decodedText(text.slice(0, whole));
  }
  if (held !== '') throw notBase64();
}

const group = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}(?:==|[A-Za-z0-9+/]=))?$/;

function* decodedText(text: string): Generator<Uint8Array> {
  // What follows padding is another piece.
  for (const piece of text.split(/(?<==)(?!=)/)) {
    if (!group.test(piece)) throw notBase64();
    if (piece !== '') yield Buffer.from(piece, 'base64');
  }
}

const notBase64 = () => new ServiceError('invalid', 'the body is not base64');

async function* none(): AsyncGenerator<Uint8Array> {}
