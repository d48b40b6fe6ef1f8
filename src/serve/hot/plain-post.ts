/** A POST over HTTP/1.1 of which everything is there, and nothing in it needs more than a look. */
export interface PlainPost {
  readonly path: string;
  /** By names in lower case, each of which came once. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Uint8Array;
  /** Where in the bytes it ends. */
  readonly end: number;
}

/** Longer ones are left to Node's parser, … */
const headBytesMax = 4096;
const bodyBytesMax = 65_536;
/** … and so are these, unless they are there at once: nobody counts what is waited for here. */
const awaitedBytesMax = 8192;
/** The longest that a request may be. */
export const plainBytesMax = headBytesMax + bodyBytesMax;

const [method, headEnd] = [Buffer.from('POST /'), Buffer.from('\r\n\r\n')];
const requestLine = /POST (\/[\w./-]*) HTTP\/1\.1\r\n/y;
/** A token, and what is printable: no empty values, no folded lines, no bare CR or LF. */
const headerLine =
  /([\w!#$%&'*+.^`|~-]+):[ \t]*([\x21-\x7e](?:[\x20-\x7e\t]*[\x21-\x7e])?)[ \t]*\r\n/y;
const lengthPattern = /^(0|[1-9]\d{0,5})$/;

/** Whoever has one of these wants more than an answer to a whole body. */
const unplain = new Set([
  'transfer-encoding',
  'content-encoding',
  'expect',
  'upgrade',
  'http2-settings',
  'te',
  'trailer',
  // Node's parser takes it for `connection`.
  'proxy-connection',
  'origin',
  'connect-timeout-ms',
  'connect-protocol-version',
  'grpc-timeout',
]);

/** What stands before a body. */
interface Head extends Pick<PlainPost, 'path' | 'headers'> {
  readonly bodyBytes: number;
}

const headsMax = 256;

/**
 * Reads plain posts. Clients send the same head again and again, but for the length of the body:
 * those that came lately are known as they are.
 */
export class PlainPosts {
  readonly #headMax: number;
  readonly #heads = new Map<string, Head>();

  constructor(headMax = headBytesMax) {
    this.#headMax = Math.min(headMax, headBytesMax);
  }

  /**
   * The request that bytes begin with. Undefined where it is not plain, or not so beyond doubt: two
   * headers of one name, any header of framing but one length, a target with a query; `partial`
   * where more has to come before that is known.
   */
  read(bytes: Buffer): PlainPost | 'partial' | undefined {
    for (let at = 0; at < method.length && at < bytes.length; at++) {
      if (bytes[at] !== method[at]) return undefined;
    }
    const headLength = bytes.indexOf(headEnd);
    if (headLength < 0) return bytes.length < this.#headMax ? 'partial' : undefined;
    if (headLength > this.#headMax) return undefined;
    const text = bytes.toString('latin1', 0, headLength + 2);
    const head = this.#heads.get(text) ?? this.#readNew(text);
    if (!head) return undefined;
    const { path, headers, bodyBytes } = head;
    const bodyAt = headLength + headEnd.length;
    const end = bodyAt + bodyBytes;
    if (bytes.length < end) return end <= awaitedBytesMax ? 'partial' : undefined;
    return { path, headers, body: bytes.subarray(bodyAt, end), end };
  }

  #readNew(text: string): Head | undefined {
    const head = readHead(text);
    if (!head) return undefined;
    if (this.#heads.size >= headsMax) this.#heads.clear();
    this.#heads.set(text, head);
    return head;
  }
}

/** Without the empty line at its end. */
function readHead(text: string): Head | undefined {
  const post = readLines(text);
  if (!post) return undefined;
  const { host, 'content-length': length = '', connection = 'keep-alive' } = post.headers;
  const isPlain = lengthPattern.test(length) && /^keep-alive$/i.test(connection);
  const isOneHost = host !== undefined && !host.includes(',');
  if (!isPlain || !isOneHost || Number(length) > bodyBytesMax) return undefined;
  return { ...post, bodyBytes: Number(length) };
}

function readLines(text: string): Pick<PlainPost, 'path' | 'headers'> | undefined {
  requestLine.lastIndex = 0;
  const path = requestLine.exec(text)?.[1];
  if (path === undefined) return undefined;
  const headers: Record<string, string> = Object.create(null);
  for (let at = requestLine.lastIndex; at < text.length; at = headerLine.lastIndex) {
    headerLine.lastIndex = at;
    const found = headerLine.exec(text);
    if (!found) return undefined;
    const name = (found[1] as string).toLowerCase();
    if (name in headers || unplain.has(name)) return undefined;
    headers[name] = found[2] as string;
  }
  return { path, headers };
}
