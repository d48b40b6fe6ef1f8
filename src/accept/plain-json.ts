import { isUtf8 } from 'node:buffer';
import type { JsonObject } from '@bufbuild/protobuf';
import type { RecordKind } from '../records/tables.ts';
import type { Call } from '../serve/call.ts';
import { countSigns } from '../serve/json-decoder.ts';
import { sendJson } from '../serve/plain-answers.ts';
import type { Request, Response } from '../serve/socket-server.ts';
import type { IngestHandlers } from './ingest-handlers.ts';

interface PlainJsonLimits {
  /** Beyond either the library has an error to give. */
  readonly messageBytesMax: number;
  readonly jsonValuesMax: number;
}

/** Most records are much smaller. */
const bodyBytesMax = 64 * 1024;

/**
 * Serves single records in plain JSON over HTTP/1.1, which take the library several times as long.
 * Takes only what is valid: whatever else there is, the library's way finds the words for. What
 * both take they answer alike, to the byte.
 */
export class PlainJson {
  /** By method, what a message of it is. */
  readonly kinds: Readonly<Partial<Record<string, RecordKind>>> = {
    log: 'event',
    logUsage: 'usage',
  };
  readonly #handlers: IngestHandlers;
  readonly #bytesMax: number;

  constructor(handlers: IngestHandlers, limits: PlainJsonLimits) {
    this.#handlers = handlers;
    this.#bytesMax = Math.min(limits.messageBytesMax, limits.jsonValuesMax);
  }

  /** Serves a request, or resolves with the body of one that it leaves to the library. */
  async serve(kind: RecordKind, call: Call, response: Response): Promise<Uint8Array | undefined> {
    const body = await call.whole();
    const json = plainObject(body, this.#bytesMax);
    const batch = json && this.#handlers.prepareRecord(kind, json);
    if (!batch) return body;
    sendJson(response, 200, await this.#handlers.storeRecord(call, kind, batch));
    return undefined;
  }
}

/** Whether a request may be served so, as far as its header tells. */
export function isPlainJson({ headers, httpVersionMajor, method }: Request): boolean {
  return (
    httpVersionMajor === 1 &&
    method === 'POST' &&
    headers['content-type'] === 'application/json' &&
    Number(headers['content-length']) <= bodyBytesMax &&
    unusualHeaders.every((name) => headers[name] === undefined)
  );
}

const unusualHeaders = ['content-encoding', 'connect-timeout-ms', 'connect-protocol-version'];

/** An object without escapes that the library's way would look at, or what would change it. */
function plainObject(body: Uint8Array, bytesMax: number): JsonObject | undefined {
  const bytes = Buffer.from(body.buffer, body.byteOffset, body.byteLength);
  if (bytes[0] !== openingBrace || bytes.byteLength > bytesMax || !isUtf8(bytes)) return undefined;
  const text = bytes.toString();
  if (text.includes('\\u') || text.includes('__proto__')) return undefined;
  try {
    const json = JSON.parse(text);
    // Of a key that comes twice, which the library refuses, one is gone.
    return countKeys(json) === countSigns(text, ':') ? json : undefined;
  } catch {
    return undefined;
  }
}

function countKeys(json: unknown): number {
  if (typeof json !== 'object' || json === null) return 0;
  const values = Object.values(json);
  const inside = values.reduce((sum: number, value) => sum + countKeys(value), 0);
  return inside + (Array.isArray(json) ? 0 : values.length);
}

const openingBrace = '{'.charCodeAt(0);
