import { hash } from 'node:crypto';
import { TupleFields } from './read-fields.ts';
import { tables } from './tables.ts';

const { columns } = tables.usage;
const column = (name: (typeof columns)[number]): number => columns.indexOf(name);
const at = {
  provider: column('provider'),
  responseId: column('response_id'),
  requestId: column('request_id'),
  traceId: column('trace_id'),
  spanId: column('span_id'),
};
/** The first of the columns that name a call: earlier releases have fewer. */
const firstOfNames = Math.min(at.responseId, at.requestId, at.traceId, at.spanId);

/** Ids that local servers draw from a thousand or a million, and repeat before long. */
const drawnFromFew = /^(?:(?:chat)?cmpl-|resp_|msg_)\d{1,6}$/;
/** What stands for no id (https://www.w3.org/TR/trace-context). */
const noId = /^0*$/;

const keyBytes = 16;

const keyOf = (name: string): string => hash('sha256', name, 'binary').slice(0, keyBytes);

/** Tells the call that a usage record is about, whatever way it came. */
export class CallKeys {
  readonly #providerName: (given: string) => string;
  readonly #providers = new Map<string, string>();
  readonly #fields = new TupleFields(columns.length);
  /** Where the tuple ends that was asked about last; past all of them where it is damaged. */
  end = 0;

  /** `providerName`: one name for each provider, however it is written. */
  constructor(providerName: (given: string) => string) {
    this.#providerName = providerName;
  }

  /**
   * 16 bytes each, a character for each byte: hashes of the row's provider and the provider's ids of
   * the answer and of the request, or else of its span. None where it has none of these.
   */
  keysOf(tuple: Uint8Array): string[] {
    const { buffer, byteOffset, byteLength } = tuple;
    const row = Buffer.isBuffer(tuple) ? tuple : Buffer.from(buffer, byteOffset, byteLength);
    return this.keysAt(row, 0);
  }

  /** The same of the tuple that begins there. */
  keysAt(row: Buffer, start: number): string[] {
    this.end = row.length;
    // Of damaged rows too few bytes may be left.
    if (row.length < start + 2) return [];
    this.end = this.#fields.find(row, start);
    if (row.readInt16BE(start) <= firstOfNames) return [];
    const keys: string[] = [];
    const responseId = this.#text(row, at.responseId);
    if (responseId !== '' && !drawnFromFew.test(responseId)) {
      keys.push(keyOf(`response\0${this.#provider(row)}\0${responseId}`));
    }
    const requestId = this.#text(row, at.requestId);
    if (requestId !== '' && !drawnFromFew.test(requestId)) {
      keys.push(keyOf(`request\0${this.#provider(row)}\0${requestId}`));
    }
    const span = keys.length === 0 ? this.#spanOf(row) : undefined;
    if (span !== undefined) keys.push(keyOf(span));
    return keys;
  }

  #spanOf(row: Buffer): string | undefined {
    const traceId = this.#text(row, at.traceId).toLowerCase();
    const spanId = this.#text(row, at.spanId).toLowerCase();
    if (noId.test(traceId) || noId.test(spanId)) return undefined;
    return `span\0${traceId}\0${spanId}`;
  }

  /** A character for each byte, whatever they stand for. */
  #text(row: Buffer, column: number): string {
    if (!this.#fields.has(column)) return '';
    return row.toString('latin1', this.#fields.starts[column], this.#fields.ends[column]);
  }

  #provider(row: Buffer): string {
    const given = this.#text(row, at.provider);
    const known = this.#providers.get(given);
    if (known !== undefined) return known;
    const name = this.#providerName(Buffer.from(given, 'latin1').toString());
    if (this.#providers.size >= providersMax) this.#providers.clear();
    this.#providers.set(given, name);
    return name;
  }
}

/** Names are the sender's: what is remembered of them is bounded. */
const providersMax = 1000;
