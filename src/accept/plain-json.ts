import { create, type MessageInitShape, toJson } from '@bufbuild/protobuf';
import { LogBatchResponseSchema } from '../../gen/typescript/gravitas/telemetry/v1/ingest_pb.js';
import type { RecordKind } from '../records/tables.ts';
import type { Call } from '../serve/call.ts';
import { sendJson } from '../serve/plain-answers.ts';
import { jsonAnswers } from '../serve/protocol/connect.ts';
import type { Request, Response } from '../serve/socket-server.ts';
import { durabilityName, type recordResponse } from './ingest-answers.ts';
import type { IngestHandlers, ReadBatch } from './ingest-handlers.ts';
import { readJsonRecord } from './read-json.ts';

/** The library would compress the same answer if it were larger. */
const varying = { vary: 'accept-encoding' };

/** Serves a request whose body is all there is to it. */
export type ServePlain = (call: Call, response: Response) => Promise<void>;

/**
 * Serves plain JSON over HTTP/1.1, which takes the library several times as long; both answer
 * alike, to the byte.
 */
export class PlainJson {
  readonly #handlers: IngestHandlers;

  constructor(handlers: IngestHandlers) {
    this.#handlers = handlers;
  }

  record(kind: RecordKind): ServePlain {
    return async (call, response) => {
      const record = readJsonRecord(await call.whole(), kind);
      sendJson(response, 200, recordJson(await this.#handlers.log(call, kind, record)), varying);
    };
  }

  batch(read: ReadBatch<Uint8Array>): ServePlain {
    return async (call, response) => {
      const stored = await this.#handlers.logBatch(call, await call.whole(), read);
      sendJson(response, 200, batchJson(stored), varying);
    };
  }
}

const recordJson = (response: ReturnType<typeof recordResponse>): object => ({
  ...response,
  durability: durabilityName(response.durability),
});

const batchJson = (response: MessageInitShape<typeof LogBatchResponseSchema>) =>
  toJson(LogBatchResponseSchema, create(LogBatchResponseSchema, response), jsonAnswers);

/** Whether a request may be served so, as far as its header tells. */
export function isPlain({ headers, httpVersionMajor }: Request, bytesMax: number): boolean {
  return (
    httpVersionMajor === 1 &&
    Number(headers['content-length']) <= bytesMax &&
    unusualHeaders.every((name) => headers[name] === undefined)
  );
}

const unusualHeaders = ['content-encoding', 'connect-timeout-ms', 'connect-protocol-version'];
