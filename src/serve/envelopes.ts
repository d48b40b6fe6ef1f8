import type { UniversalServerRequest } from '@connectrpc/connect/protocol';
import { parseMediaType } from './media-type.ts';
import { RequestError } from './request-error.ts';

/** A flag, and the length of the message in four bytes. */
const headerBytes = 5;
const compressedFlag = 1;

/** gRPC wants INTERNAL of whoever is sent a compressed message and was not told how to read it. */
export const compressedWithoutEncoding = () =>
  new RequestError(
    'internal',
    'malformed',
    'a message is flagged as compressed; no encoding was named',
  );

/**
 * The body as it is, ended by an error at a message that is flagged as compressed where no
 * encoding was named; https://github.com/grpc/grpc/blob/master/doc/compression.md
 */
export function uncompressedEnvelopes({
  header,
  body,
}: UniversalServerRequest): UniversalServerRequest['body'] {
  const isEnveloped = /^application\/(grpc|connect\+)/.test(
    parseMediaType(header.get('content-type') ?? undefined)?.essence ?? '',
  );
  const encoding = header.get('grpc-encoding') ?? header.get('connect-content-encoding');
  const isUncompressed = (encoding ?? 'identity') === 'identity';
  return isEnveloped && isUncompressed ? checked(body as AsyncIterable<Uint8Array>) : body;
}

async function* checked(body: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  let header = 0;
  let length = 0;
  let left = 0;
  for await (const chunk of body) {
    for (let at = 0; at < chunk.byteLength; ) {
      if (left > 0) {
        const passed = Math.min(left, chunk.byteLength - at);
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
    }
    yield chunk;
  }
}
