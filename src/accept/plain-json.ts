import { create, type MessageInitShape, toJson } from '@bufbuild/protobuf';
import { LogBatchResponseSchema } from '../../gen/typescript/gravitas/telemetry/v1/ingest_pb.js';
import type { RecordKind } from '../records/tables.ts';
import { jsonAnswers } from '../serve/protocol/connect.ts';
import type { PlainWay } from '../serve/route.ts';
import type { Request } from '../serve/socket-server.ts';
import { durabilityName, type RecordResponse } from './ingest-answers.ts';
import type { IngestHandlers, ReadBatch } from './ingest-handlers.ts';
import { readJsonRecord } from './read-json.ts';

/** Serves a request whose body is all there is to it; gives the answer as JSON. */
export type ServePlain = PlainWay['serve'];

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
    return (call, body) => this.#handlers.log(call, kind, readJsonRecord(body, kind), recordJson);
  }

  batch(read: ReadBatch<Uint8Array>): ServePlain {
    return async (call, body) =>
      batchJson(await this.#handlers.logBatch(call, body, read, body.byteLength));
  }
}

/** Nothing in it needs an escape: ids, and what we say ourselves. */
const recordJson = ({ success, message, id, durability, duplicate }: RecordResponse): string =>
  `{"success":${success},"message":"${message}","id":"${id}","durability":"${durabilityName(durability)}","duplicate":${duplicate}}`;

const batchJson = (response: MessageInitShape<typeof LogBatchResponseSchema>) =>
  JSON.stringify(
    toJson(LogBatchResponseSchema, create(LogBatchResponseSchema, response), jsonAnswers),
  );

/** Whether a request may be served so, as far as its header tells. */
export function isPlain({ headers, httpVersionMajor }: Request, bytesMax: number): boolean {
  return (
    httpVersionMajor === 1 &&
    Number(headers['content-length']) <= bytesMax &&
    unusualHeaders.every((name) => headers[name] === undefined)
  );
}

const unusualHeaders = ['content-encoding', 'connect-timeout-ms', 'connect-protocol-version'];
