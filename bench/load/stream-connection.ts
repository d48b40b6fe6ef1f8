import { once } from 'node:events';
import http2 from 'node:http2';
import type { BatchTemplate } from '../support/batch-template.ts';
import { type BatchAnswer, readAnswer } from './batch-answer.ts';

const path = '/gravitas.telemetry.v1.IngestService/StreamBatches';
const frameHeaderBytes = 5;

/** A batch that is not acknowledged yet, with bytes of its own. */
export interface Slot {
  readonly template: BatchTemplate;
  batchId: string;
  dueMs: number;
}

/** A StreamBatches call on a connection of its own, with the framing written out. */
export class StreamConnection {
  readonly free: Slot[];
  readonly #waiting: Slot[] = [];
  readonly #session: http2.ClientHttp2Session;
  readonly #call: http2.ClientHttp2Stream;
  readonly #onAnswers: (answers: readonly [Slot, BatchAnswer][]) => void;
  #rest: Buffer = Buffer.alloc(0);
  #closing = false;

  constructor(
    port: number,
    templates: readonly BatchTemplate[],
    onAnswers: (answers: readonly [Slot, BatchAnswer][]) => void,
    token?: string,
  ) {
    this.free = templates.map((template) => ({ template, batchId: '', dueMs: 0 }));
    this.#onAnswers = onAnswers;
    this.#session = http2.connect(`http://127.0.0.1:${port}`);
    this.#call = this.#session.request({
      ':method': 'POST',
      ':path': path,
      'content-type': 'application/grpc',
      te: 'trailers',
      ...(token && { authorization: `Bearer ${token}` }),
    });
    this.#call.on('data', (chunk: Buffer) => this.#read(chunk));
    this.#call.on('close', () => {
      if (!this.#closing) throw new Error('the server ended a stream');
    });
  }

  async opened(): Promise<void> {
    if (this.#session.connecting) await once(this.#session, 'connect');
  }

  send(slot: Slot): void {
    if (this.#call.writableCorked === 0) {
      // What is sent in one turn goes out in one piece.
      this.#call.cork();
      queueMicrotask(() => this.#call.uncork());
    }
    this.#waiting.push(slot);
    this.#call.write(slot.template.frameOf(slot.batchId, Math.floor(Date.now() / 1000)));
  }

  /** Ends the call, which has to succeed. */
  async close(): Promise<void> {
    const trailers = once(this.#call, 'trailers');
    this.#closing = true;
    this.#call.end();
    const [trailer] = (await trailers) as [http2.IncomingHttpHeaders];
    this.#session.destroy();
    if (trailer['grpc-status'] !== '0') throw new Error(`grpc-status ${trailer['grpc-status']}`);
  }

  #read(chunk: Buffer): void {
    const bytes = this.#rest.byteLength === 0 ? chunk : Buffer.concat([this.#rest, chunk]);
    const answers: [Slot, BatchAnswer][] = [];
    let at = 0;
    while (at + frameHeaderBytes <= bytes.byteLength) {
      const start = at + frameHeaderBytes;
      const end = start + bytes.readUInt32BE(at + 1);
      if (end > bytes.byteLength) break;
      answers.push([this.#waiting.shift() as Slot, readAnswer(bytes, start, end)]);
      at = end;
    }
    this.#rest = bytes.subarray(at);
    this.#onAnswers(answers);
  }
}
