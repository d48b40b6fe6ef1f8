import type { IncomingHttpHeaders } from 'node:http2';
import { ServiceError } from '../errors.ts';
import { timedOut } from './call-limits.ts';
import type { WholeCall } from './plain-call.ts';
import { hasReadableTimeout } from './timeout.ts';

const headerBytes = 5;
const contentTypes = new Set(['application/grpc', 'application/grpc+proto']);

/** Whether a request over HTTP/2 is one of gRPC whose messages are not compressed, and no more. */
export const isPlainGrpc = (headers: IncomingHttpHeaders): boolean =>
  headers[':method'] === 'POST' &&
  contentTypes.has(headers['content-type'] ?? '') &&
  (headers['grpc-encoding'] ?? 'identity') === 'identity' &&
  headers['content-encoding'] === undefined &&
  hasReadableTimeout(headers) &&
  headers.expect === undefined &&
  headers.origin === undefined;

/** The error of a request that begins like this, and is longer than one message may be. */
export function tooLarge(
  start: Uint8Array,
  bytes: number,
  messageBytesMax: number,
): ServiceError | undefined {
  if (bytes <= headerBytes + messageBytesMax) return undefined;
  const said = start.byteLength < headerBytes ? 0 : Buffer.from(start).readUInt32BE(1);
  const size = said > messageBytesMax ? ` size ${said}` : '';
  // In the words of the library that serves the other protocols.
  return new ServiceError(
    'tooLarge',
    `message${size} is larger than configured readMaxBytes ${messageBytesMax}`,
  );
}

/** The message of a request that has exactly one, not compressed. */
export function onlyMessage(bytes: Uint8Array): Uint8Array | undefined {
  if (bytes.byteLength < headerBytes || bytes[0] !== 0) return undefined;
  const { buffer, byteOffset } = bytes;
  const messageBytes = new DataView(buffer, byteOffset).getUint32(1);
  return bytes.byteLength === headerBytes + messageBytes ? bytes.subarray(headerBytes) : undefined;
}

/** A message as it is sent, not compressed. */
export function frameOf(message: Uint8Array): Uint8Array {
  const frame = Buffer.allocUnsafe(headerBytes + message.byteLength);
  frame[0] = 0;
  frame.writeUInt32BE(message.byteLength, 1);
  frame.set(message, headerBytes);
  return frame;
}

/** What a call's own time is over for fails of that, whatever else it fails of. */
export const unlessTimedOut = (
  call: Pick<WholeCall, 'remainingMs'> & { readonly timeoutMs: number | undefined },
  error: unknown,
): unknown =>
  call.timeoutMs !== undefined && call.remainingMs(Infinity) === 0 ? timedOut() : error;
