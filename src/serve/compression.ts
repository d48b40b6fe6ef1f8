import { promisify } from 'node:util';
import zlib from 'node:zlib';
import type { ConnectRouterOptions } from '@connectrpc/connect';
import { errorMessage, ServiceError } from '../errors.ts';
import type { MessageReader } from './envelopes.ts';
import { RequestError } from './request-error.ts';
import type { Request } from './socket-server.ts';

export type Compression = NonNullable<ConnectRouterOptions['acceptCompression']>[number];
type Decompress = (bytes: Uint8Array, options: { maxOutputLength: number }) => Promise<Buffer>;

/** Each has its output so far in memory, and one of Brotli a window of megabytes beside it. */
const decompressionsMax = 2;

const inflate: Decompress = promisify(zlib.inflate);
const inflateRaw: Decompress = promisify(zlib.inflateRaw);

/** The content codings that are taken, in the order in which they are offered. */
const codings: readonly (readonly [string, Compression['compress'], Decompress])[] = [
  ['gzip', compressBy(promisify<Uint8Array, Buffer>(zlib.gzip)), promisify(zlib.gunzip)],
  [
    'br',
    compressBy(promisify<Uint8Array, Buffer>(zlib.brotliCompress)),
    promisify(zlib.brotliDecompress),
  ],
  [
    'zstd',
    compressBy(promisify<Uint8Array, Buffer>(zlib.zstdCompress)),
    promisify(zlib.zstdDecompress),
  ],
  ['deflate', compressBy(promisify<Uint8Array, Buffer>(zlib.deflate)), inflateEither],
];
const names = codings.map(([name]) => name);
/** https://www.rfc-editor.org/rfc/rfc9110#name-gzip-coding */
const aliases: Readonly<Record<string, string>> = { 'x-gzip': 'gzip', '': 'identity' };

/** The headers that name the coding of a message, and the ones that say what would be taken. */
const headers = [
  ['content-encoding', 'accept-encoding'],
  ['connect-content-encoding', 'connect-accept-encoding'],
  ['grpc-encoding', 'grpc-accept-encoding'],
] as const;

/** Puts the names of codings into the form that is compared; throws for one that is not taken. */
export function readContentCodings({ headers: received }: Request): void {
  for (const [header, accepts] of headers) {
    const given = received[header];
    if (typeof given === 'string') received[header] = contentCoding(given, header, accepts);
  }
}

/** The coding of a name that `field` gives; throws for one that is not taken, saying in `accepts` which are. */
export function contentCoding(given: string, field: string, accepts: string): string {
  const name = given.trim().toLowerCase();
  const coding = aliases[name] ?? name;
  if (coding === 'identity' || names.includes(coding)) return coding;
  const accepted = names.join(', ');
  throw new RequestError('unimplemented', 'content_type', `${field} must be one of ${accepted}`, {
    status: 415,
    headers: { [accepts]: accepted },
  });
}

/**
 * Every one stops at the limit on messages, whatever the ratio; because few are decompressed at a
 * time, memory is bounded however many arrive at once.
 */
export function boundedCompressions(): Compression[] {
  const turns = new Turns(decompressionsMax);
  return codings.map(([name, compress, decompress]) => ({
    name,
    compress,
    decompress: async (bytes, maxOutputLength) =>
      bytes.byteLength === 0
        ? new Uint8Array()
        : await turns.take(() =>
            decompress(bytes, { maxOutputLength }).then(exactBytes, refuse(name, maxOutputLength)),
          ),
  }));
}

/** The same, with a reader for each message. */
export const readBy = (compression: Compression, reader: () => MessageReader): Compression => ({
  ...compression,
  decompress: async (bytes, bytesMax) => {
    const message = await compression.decompress(bytes, bytesMax);
    reader().add(message);
    return message;
  },
});

const refuse = (coding: string, bytesMax: number) => (error: unknown) => {
  const tooLarge = (error as NodeJS.ErrnoException).code === 'ERR_BUFFER_TOO_LARGE';
  throw tooLarge
    ? new ServiceError('tooLarge', `message is larger than configured readMaxBytes ${bytesMax}`)
    : new ServiceError('invalid', `the message is no ${coding}: ${errorMessage(error)}`);
};

function compressBy(compress: (bytes: Uint8Array) => Promise<Buffer>): Compression['compress'] {
  return async (bytes) => exactBytes(await compress(bytes));
}

const exactBytes = ({ buffer, byteOffset, byteLength }: Buffer) =>
  new Uint8Array(buffer as ArrayBuffer, byteOffset, byteLength);

/** The name says zlib's format, and clients that send bare deflate are as old as the name. */
async function inflateEither(...input: Parameters<Decompress>): Promise<Buffer> {
  const [first = 0, second = 0] = input[0];
  const hasZlibHeader = (first & 0x0f) === 8 && ((first << 8) | second) % 31 === 0;
  return await (hasZlibHeader ? inflate : inflateRaw)(...input);
}

/** Lets so many tasks run at a time, in the order in which they came. */
class Turns {
  readonly #waiting: (() => void)[] = [];
  #free: number;

  constructor(count: number) {
    this.#free = count;
  }

  async take<T>(task: () => Promise<T>): Promise<T> {
    if (this.#free > 0) this.#free -= 1;
    else await new Promise<void>((resolve) => this.#waiting.push(resolve));
    try {
      return await task();
    } finally {
      const next = this.#waiting.shift();
      if (next) next();
      else this.#free += 1;
    }
  }
}
