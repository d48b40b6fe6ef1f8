import { once } from 'node:events';
import net from 'node:net';

const frameHeaderBytes = 9;
const types = { data: 0, headers: 1, reset: 3, settings: 4, ping: 6, goAway: 7, windowUpdate: 8 };
const [endStream, endHeaders, isAnswer] = [1, 4, 1];
const preface = Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n');
/** So that no answer has to wait for a client that has read the one before. */
const windowBytes = 2 ** 31 - 1 - 65_535;

/**
 * Unary calls on a connection of HTTP/2, with the frames written out: a client that costs little
 * shows what the server costs. Its header is the same in every call, and a few bytes from the
 * second on, as any client has it.
 */
export class UnaryConnection {
  readonly #socket: net.Socket;
  readonly #headers: { readonly first: Buffer; readonly others: Buffer };
  readonly #onAnswers: (answers: readonly boolean[]) => void;
  readonly #answered = new Set<number>();
  #stream = -1;
  #out: Buffer[] = [];
  #rest: Buffer = Buffer.alloc(0);
  #isClosing = false;

  /** `onAnswers`: of calls that have ended, whether each had a message, which says that it went well. */
  constructor(port: number, path: string, onAnswers: (answers: readonly boolean[]) => void) {
    this.#onAnswers = onAnswers;
    this.#headers = headersOf(path, `127.0.0.1:${port}`);
    this.#socket = net.connect({ port, host: '127.0.0.1', noDelay: true });
    this.#socket.write(preface);
    this.#socket.write(frame(types.settings, 0, 0, Buffer.alloc(0)));
    this.#socket.write(frame(types.windowUpdate, 0, 0, uint32(windowBytes)));
    this.#socket.on('data', (chunk) => this.#read(chunk));
    this.#socket.on('close', () => {
      if (!this.#isClosing) throw new Error('the server closed a connection');
    });
  }

  async opened(): Promise<void> {
    if (this.#socket.connecting) await once(this.#socket, 'connect');
  }

  /** What is sent in one turn goes out in one piece. */
  send(message: Buffer): void {
    if (this.#out.length === 0) queueMicrotask(() => this.#flush());
    const headers = this.#stream < 0 ? this.#headers.first : this.#headers.others;
    this.#stream = this.#stream < 0 ? 1 : this.#stream + 2;
    this.#out.push(frame(types.headers, endHeaders, this.#stream, headers));
    this.#out.push(frame(types.data, endStream, this.#stream, message));
  }

  close(): void {
    this.#isClosing = true;
    this.#socket.destroy();
  }

  #flush(): void {
    this.#socket.write(Buffer.concat(this.#out));
    this.#out = [];
  }

  #read(chunk: Buffer): void {
    const bytes = this.#rest.length === 0 ? chunk : Buffer.concat([this.#rest, chunk]);
    const answers: boolean[] = [];
    let at = 0;
    while (at + frameHeaderBytes <= bytes.length) {
      const end = at + frameHeaderBytes + bytes.readUIntBE(at, 3);
      if (end > bytes.length) break;
      const [type, flags] = [bytes[at + 3] as number, bytes[at + 4] as number];
      const stream = bytes.readUInt32BE(at + 5);
      this.#take(type, flags, stream, bytes.subarray(at + frameHeaderBytes, end), answers);
      at = end;
    }
    this.#rest = bytes.subarray(at);
    if (answers.length > 0) this.#onAnswers(answers);
  }

  #take(type: number, flags: number, stream: number, payload: Buffer, answers: boolean[]): void {
    const isOwn = type === types.settings || type === types.ping;
    if (isOwn && !(flags & isAnswer)) {
      const body = type === types.ping ? payload : Buffer.alloc(0);
      this.#socket.write(frame(type, isAnswer, 0, body));
    }
    if (type === types.goAway) throw new Error('the server sends its clients away');
    if (type === types.data && payload.length > 0) this.#answered.add(stream);
    const isEnd = (type === types.data || type === types.headers) && flags & endStream;
    if (isEnd || type === types.reset) answers.push(this.#answered.delete(stream));
  }
}

function frame(type: number, flags: number, stream: number, payload: Buffer): Buffer {
  const bytes = Buffer.alloc(frameHeaderBytes + payload.length);
  bytes.writeUIntBE(payload.length, 0, 3);
  bytes[3] = type;
  bytes[4] = flags;
  bytes.writeUInt32BE(stream, 5);
  payload.copy(bytes, frameHeaderBytes);
  return bytes;
}

function uint32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
}

/**
 * RFC 7541: `:method: POST` and `:scheme: http` are in the static table; the others are put into
 * the dynamic one by the first call, the last of them at 62.
 */
function headersOf(path: string, authority: string) {
  const text = (value: string) => Buffer.from(`${String.fromCharCode(value.length)}${value}`);
  const named = (index: number, value: string) =>
    Buffer.concat([Buffer.from([0x40 | index]), text(value)]);
  const isStatic = Buffer.from([0x83, 0x86]);
  return {
    first: Buffer.concat([
      isStatic,
      named(4, path),
      named(1, authority),
      named(31, 'application/grpc'),
      Buffer.concat([Buffer.from([0x40]), text('te'), text('trailers')]),
    ]),
    others: Buffer.concat([isStatic, Buffer.from([0xc1, 0xc0, 0xbf, 0xbe])]),
  };
}
