import { isUtf8 } from 'node:buffer';
import type { DescMethod, JsonObject } from '@bufbuild/protobuf';
import { codeToHttpStatus, errorToJson } from '@connectrpc/connect/protocol-connect';
import { JsonIngestService } from '../../gen/typescript/gravitas/telemetry/internal/v1/raw_ingest_pb.js';
import type { RecordKind } from '../records/tables.ts';
import type { Call } from '../serve/call-limits.ts';
import type { Translate } from '../serve/connect-errors.ts';
import { countSigns } from '../serve/json-decoder.ts';
import type { Request, Response } from '../serve/socket-server.ts';
import { jsonAnswers } from './ingest-answers.ts';
import type { IngestHandlers } from './ingest-handlers.ts';

/** Serves a request, or resolves with the body of one that it leaves to the library. */
export type PlainHandler = (
  request: Request,
  response: Response,
  call: Call,
) => Promise<Uint8Array | undefined>;

interface PlainJsonLimits {
  /** Beyond either the library has an error to give. */
  readonly messageBytesMax: number;
  readonly valuesMax: number;
}

/** Most records are much smaller. */
const bodyBytesMax = 64 * 1024;

/**
 * Serves single records in plain JSON over HTTP/1.1, which take the library several times as long.
 * Takes only what is valid: whatever else there is, the library's way finds the words for. What
 * both take they answer alike, to the byte.
 */
export class PlainJson {
  readonly #handlers: IngestHandlers;
  readonly #translate: Translate;
  readonly #bytesMax: number;

  constructor(handlers: IngestHandlers, translate: Translate, limits: PlainJsonLimits) {
    this.#handlers = handlers;
    this.#translate = translate;
    this.#bytesMax = Math.min(limits.messageBytesMax, limits.valuesMax);
  }

  /** By method, what may serve it. */
  get methods(): ReadonlyMap<DescMethod, PlainHandler> {
    const { log, logUsage } = JsonIngestService.method;
    return new Map<DescMethod, PlainHandler>([
      [log, this.#serve.bind(this, log, 'event')],
      [logUsage, this.#serve.bind(this, logUsage, 'usage')],
    ]);
  }

  async #serve(
    method: DescMethod,
    kind: RecordKind,
    request: Request,
    response: Response,
    call: Call,
  ): Promise<Uint8Array | undefined> {
    try {
      const body = await call.whole(request);
      const json = plainObject(body, this.#bytesMax);
      const batch = json && this.#handlers.prepareRecord(kind, json);
      if (!batch) return body;
      answer(response, 200, await this.#handlers.storeRecord(kind, batch));
    } catch (error) {
      const told = this.#translate(error, method.name);
      const json = errorToJson(told, jsonAnswers);
      answer(response, codeToHttpStatus(told.code), json, Object.fromEntries(told.metadata));
    }
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

function answer(response: Response, status: number, json: unknown, headers = {}): void {
  // As one string with the header it is written at once.
  const body = JSON.stringify(json);
  const contentType = 'application/json';
  response.writeHead(status, {
    'content-length': Buffer.byteLength(body),
    'content-type': contentType,
    ...headers,
  });
  response.end(body);
}
