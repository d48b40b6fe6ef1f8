import { once } from 'node:events';
import http from 'node:http';
import type { AddressInfo } from 'node:net';

/** Where a collector that has no output to PostgreSQL sends its logs: it keeps the numbers of events. */
export class Sink {
  readonly #server: http.Server;
  #numbers: number[] = [];
  /** Refuses everybody, with an error that is worth a retry. */
  isAway = false;

  private constructor() {
    this.#server = http.createServer(async (request, response) => {
      const parts: Buffer[] = [];
      for await (const part of request) parts.push(part as Buffer);
      if (!this.isAway)
        for (const each of numbersIn(Buffer.concat(parts))) this.#numbers.push(each);
      response.writeHead(this.isAway ? 503 : 200, { 'content-type': 'application/json' }).end('{}');
    });
  }

  static async open(): Promise<Sink> {
    const sink = new Sink();
    await once(sink.#server.listen(0, '127.0.0.1'), 'listening');
    return sink;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  get numbers(): number[] {
    return [...this.#numbers];
  }

  empty(): void {
    this.#numbers = [];
  }

  close(): void {
    this.#server.closeAllConnections();
    this.#server.close();
  }
}

const mark = Buffer.from('"body":{"intValue":"');
const quote = '"'.charCodeAt(0);

/** Of logs in OTLP's JSON, of which there may be more than a string can hold. */
export function numbersIn(text: Buffer): number[] {
  const numbers: number[] = [];
  for (let at = text.indexOf(mark); at >= 0; at = text.indexOf(mark, at)) {
    const end = text.indexOf(quote, at + mark.length);
    numbers.push(Number(text.toString('latin1', at + mark.length, end)));
    at = end;
  }
  return numbers;
}
