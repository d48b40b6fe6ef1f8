import { once } from 'node:events';
import net from 'node:net';

const headEnd = '\r\n\r\n';
const statusAt = 'HTTP/1.1 '.length;

export interface Answer {
  readonly status: number;
  /** How long the server asks to be left alone; 0 where it does not. */
  readonly retryAfterSeconds: number;
}

/** A connection that carries one HTTP/1.1 request at a time, whose bytes are at hand. */
export class HttpConnection {
  readonly #socket: net.Socket;
  readonly #onAnswer: (answer: Answer) => void;
  #held = '';
  #closing = false;

  /** `onClosed`: where the server ends it, which is a failure unless somebody says otherwise. */
  constructor(port: number, onAnswer: (answer: Answer) => void, onClosed: () => void = failed) {
    this.#onAnswer = onAnswer;
    this.#socket = net.connect({ port, host: '127.0.0.1', noDelay: true });
    this.#socket.on('data', (chunk) => this.#read(chunk));
    this.#socket.on('close', () => {
      if (!this.#closing) onClosed();
    });
    // What follows is that it is closed.
    if (onClosed !== failed) this.#socket.on('error', () => {});
  }

  async opened(): Promise<void> {
    if (this.#socket.connecting) await once(this.#socket, 'connect');
  }

  send(request: Buffer): void {
    this.#socket.write(request);
  }

  close(): void {
    this.#closing = true;
    this.#socket.destroy();
  }

  #read(chunk: Buffer): void {
    const text = this.#held + chunk.toString('latin1');
    const complete = isComplete(text);
    this.#held = complete ? '' : text;
    if (!complete) return;
    const status = Number(text.slice(statusAt, statusAt + 3));
    const retryAfterSeconds =
      status === 200 ? 0 : Number(/\r\nretry-after: *(\d+)/i.exec(text)?.[1] ?? 0);
    this.#onAnswer({ status, retryAfterSeconds });
  }
}

function failed(): never {
  throw new Error('the server closed a connection');
}

function isComplete(text: string): boolean {
  const head = text.indexOf(headEnd);
  if (head < 0) return false;
  const length = /\r\ncontent-length: *(\d+)/i.exec(text.slice(0, head));
  if (length) return text.length >= head + headEnd.length + Number(length[1]);
  if (/^HTTP\/1\.1 204 /.test(text)) return true;
  return text.endsWith(`\r\n0${headEnd}`);
}

export function postRequest(path: string, body: string, token?: string): Buffer {
  const authorization = token ? `authorization: Bearer ${token}\r\n` : '';
  return Buffer.from(
    `POST ${path} HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n${authorization}` +
      `content-length: ${Buffer.byteLength(body)}\r\n\r\n${body}`,
  );
}

export function getRequest(path: string): Buffer {
  return Buffer.from(`GET ${path} HTTP/1.1\r\nhost: localhost\r\n\r\n`);
}
