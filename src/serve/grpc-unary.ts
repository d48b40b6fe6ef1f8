import { ServiceError } from '../errors.ts';
import type { Call } from './call.ts';
import { timedOut } from './call-limits.ts';
import type { Request, Response } from './socket-server.ts';

const headerBytes = 5;
const contentTypes = new Set(['application/grpc', 'application/grpc+proto']);

/** Whether a request is one of gRPC whose messages are not compressed. */
export const isUncompressedGrpc = ({ headers, httpVersionMajor }: Request): boolean =>
  httpVersionMajor === 2 &&
  contentTypes.has(headers['content-type'] ?? '') &&
  (headers['grpc-encoding'] ?? 'identity') === 'identity';

/** All that a call sends, of which one message has at most so many bytes. */
export const wholeFrames = (call: Call, messageBytesMax: number): Promise<Uint8Array> =>
  call.whole(headerBytes + messageBytesMax, (start) => {
    const bytes = start.byteLength < headerBytes ? 0 : Buffer.from(start).readUInt32BE(1);
    const size = bytes > messageBytesMax ? ` size ${bytes}` : '';
    // In the words of the library that serves the other protocols.
    return new ServiceError(
      'tooLarge',
      `message${size} is larger than configured readMaxBytes ${messageBytesMax}`,
    );
  });

/** The message of a request that has exactly one, not compressed. */
export function onlyMessage(bytes: Uint8Array): Uint8Array | undefined {
  if (bytes.byteLength < headerBytes || bytes[0] !== 0) return undefined;
  const { buffer, byteOffset } = bytes;
  const messageBytes = new DataView(buffer, byteOffset).getUint32(1);
  return bytes.byteLength === headerBytes + messageBytes ? bytes.subarray(headerBytes) : undefined;
}

const success = { 'grpc-status': '0' };

/** Ends a call with one message and success. */
export function sendMessage(request: Request, response: Response, message: Uint8Array): void {
  const frame = Buffer.allocUnsafe(headerBytes + message.byteLength);
  frame[0] = 0;
  frame.writeUInt32BE(message.byteLength, 1);
  frame.set(message, headerBytes);
  response.writeHead(200, { 'content-type': request.headers['content-type'] });
  response.addTrailers(success);
  response.end(frame);
}

/** What a call's own time is over for fails of that, whatever else it fails of. */
export async function unlessTimedOut<T>(call: Call, answer: Promise<T>): Promise<T> {
  try {
    return await answer;
  } catch (error) {
    throw call.timeoutMs !== undefined && call.remainingMs(Infinity) === 0 ? timedOut() : error;
  }
}
