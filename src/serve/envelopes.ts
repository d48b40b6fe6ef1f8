import type { UniversalServerRequest } from '@connectrpc/connect/protocol';
import { parseMediaType } from './media-type.ts';
import { RequestError } from './request-error.ts';

/** A flag, and the length of the message in four bytes. */
const headerBytes = 5;
const compressedFlag = 1;

/** Sees the bytes of one message, after decompression, before it is decoded; throws to refuse it. */
export interface MessageReader {
  add(bytes: Uint8Array): void;
}

/** gRPC wants INTERNAL of whoever is sent a compressed message and was not told how to read it. */
export const compressedWithoutEncoding = () =>
  new RequestError(
    'internal',
    'malformed',
    'a message is flagged as compressed; no encoding was named',
  );

/**
 * The body as it is, ended by an error at a message that is flagged as compressed where no
 * encoding was named; https://github.com/grpc/grpc/blob/master/doc/compression.md. Messages that are
 * not compressed have a reader each.
 */
export function uncompressedMessages(
  { header, body }: UniversalServerRequest,
  reader?: () => MessageReader,
): UniversalServerRequest['body'] {
  const isEnveloped = /^application\/(grpc|connect\+)/.test(
    parseMediaType(header.get('content-type') ?? undefined)?.essence ?? '',
  );
  const encoding = ['grpc-encoding', 'connect-content-encoding', 'content-encoding']
    .map((name) => header.get(name))
    .find((name) => name !== null);
  if ((encoding ?? 'identity') !== 'identity') return body;
  const bytes = body as AsyncIterable<Uint8Array>;
  if (isEnveloped) return enveloped(bytes, reader);
  return reader ? whole(bytes, reader()) : bytes;
}

async function* whole(body: AsyncIterable<Uint8Array>, message: MessageReader) {
  for await (const chunk of body) {
    message.add(chunk);
    yield chunk;
  }
}

async function* enveloped(body: AsyncIterable<Uint8Array>, reader?: () => MessageReader) {
  let header = 0;
  let length = 0;
  let left = 0;
  let message = reader?.();
  for await (const chunk of body) {
    for (let at = 0; at < chunk.byteLength; ) {
      if (left > 0) {
        const passed = Math.min(left, chunk.byteLength - at);
        message?.add(chunk.subarray(at, at + passed));
        left -= passed;
        at += passed;
        continue;
      }
      const byte = chunk[at++] as number;
      if (header === 0 && (byte & compressedFlag) !== 0) throw compressedWithoutEncoding();
      length = header === 0 ? 0 : length * 256 + byte;
      header += 1;
      if (header < headerBytes) continue;
      left = length;
      header = 0;
      message = reader?.();
    }
    yield chunk;
  }
}
