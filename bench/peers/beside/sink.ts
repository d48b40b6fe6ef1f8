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

/** Of logs in OTLP's JSON. */
export const numbersIn = (text: Buffer): number[] =>
  [...text.toString('latin1').matchAll(/"body":\{"intValue":"(\d+)"\}/g)].map(([, number]) =>
    Number(number),
  );
