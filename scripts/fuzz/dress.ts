import zlib from 'node:zlib';
import { envelope } from '../../test/support/raw-call.ts';
import type { Input } from './inputs.ts';
import { mutateBytes } from './mutate.ts';
import type { Random } from './random.ts';

/** Ways of saying the same thing, and nearly the same, that clients of other makes have. */
const spellings: readonly ((mediaType: string) => string)[] = [
  (type) => type.toUpperCase(),
  (type) => `${type};charset=utf-8`,
  (type) => `${type} ; Charset="UTF-8"`,
  (type) => `${type}; charset=utf-8;;`,
  (type) => `${type};a="\\";b=";c`,
  (type) => `${type}; charset=utf-16`,
  (type) => `  ${type}\t`,
  (type) => `${type},${type}`,
  (type) => `${type}x`,
  (type) => type.replace('/', ' / '),
  (type) => type.split('/')[0] as string,
  () => '',
  () => 'text/plain',
  () => 'application/x-www-form-urlencoded',
  () => '*/*',
];

/** As proxies send them, and as nobody should. */
const targets: readonly ((path: string) => string)[] = [
  (path) => `http://localhost:8002${path}`,
  (path) => `HTTP://user@[::1]:1${path}`,
  (path) => `http://${path}`,
  (path) => `/${path}`,
  (path) => `${path}/`,
  (path) => `${path}?`,
  (path) => `${path}?a=%&&=${'b'.repeat(300)}#c`,
  (path) => path.toUpperCase(),
  (path) => path.replace('/v1', '/%761'),
  (path) => `/a/..${path}`,
  (path) => path.slice(0, -1),
];

const encoders: Readonly<Record<string, (bytes: Buffer) => Buffer>> = {
  identity: (bytes) => bytes,
  gzip: (bytes) => zlib.gzipSync(bytes),
  'x-gzip': (bytes) => zlib.gzipSync(bytes),
  GZip: (bytes) => zlib.gzipSync(bytes),
  br: (bytes) => zlib.brotliCompressSync(bytes, { params: { [quality]: 1 } }),
  deflate: (bytes) => zlib.deflateSync(bytes),
  Deflate: (bytes) => zlib.deflateRawSync(bytes),
  zstd: (bytes) => zlib.zstdCompressSync(bytes),
  'gzip, gzip': (bytes) => zlib.gzipSync(zlib.gzipSync(bytes)),
  'gzip,': (bytes) => zlib.gzipSync(bytes),
  snappy: (bytes) => bytes,
  '': (bytes) => bytes,
};
const quality = zlib.constants.BROTLI_PARAM_QUALITY;

const oddHeaders: readonly (readonly [string, string])[] = [
  ['accept', 'text/html'],
  ['accept-encoding', 'zstd;q=1, *;q=0'],
  ['connect-protocol-version', '2'],
  ['connect-timeout-ms', '1'],
  ['connect-timeout-ms', '99999999999'],
  ['connect-timeout-ms', '-1'],
  ['content-language', 'é'],
  ['expect', '200-ok'],
  ['grpc-timeout', '1n'],
  ['grpc-timeout', '999999999H'],
  ['grpc-timeout', 'soon'],
  ['grpc-accept-encoding', ',,gzip,'],
  ['traceparent', '00-00000000000000000000000000000000-0000000000000000-00'],
  ['traceparent', `ff-${'a'.repeat(500)}`],
  ['x-request-id', 'a\tb'],
  ['x-http-method-override', 'DELETE'],
];

const encodingHeader = (contentType: string): string => {
  if (contentType.startsWith('application/grpc')) return 'grpc-encoding';
  return contentType.startsWith('application/connect+')
    ? 'connect-content-encoding'
    : 'content-encoding';
};

/** Each message by itself, as far as the frames can be read. */
function encodeFrames(body: Buffer, encode: (bytes: Buffer) => Buffer): Buffer {
  const frames: Buffer[] = [];
  let at = 0;
  while (at + 5 <= body.length && at + 5 + body.readUInt32BE(at + 1) <= body.length) {
    const end = at + 5 + body.readUInt32BE(at + 1);
    frames.push(envelope(encode(body.subarray(at + 5, end)), 1));
    at = end;
  }
  return Buffer.concat([...frames, body.subarray(at)]);
}

/** The same request, in an unusual form as often as not. */
export function dress(random: Random, input: Input): Input {
  if (input.method === 'RAW') return input;
  const headers: Record<string, string> = { ...input.headers };
  let { body, path: target } = input;
  if (random.below(6) === 0) {
    headers['content-type'] = random.pick(spellings)(input.contentType);
  }
  if (random.below(12) === 0) target = random.pick(targets)(target);
  if (random.below(8) === 0) {
    const name = random.pick(Object.keys(encoders));
    const header = encodingHeader(input.contentType);
    headers[header] = name;
    const encode = encoders[name] as (bytes: Buffer) => Buffer;
    body = header === 'content-encoding' ? encode(body) : encodeFrames(body, encode);
    if (random.below(4) === 0) body = mutateBytes(random, body, [body]);
  }
  if (random.below(8) === 0) {
    const [name, value] = random.pick(oddHeaders);
    headers[name] = value;
  }
  return { ...input, target, body, headers };
}
