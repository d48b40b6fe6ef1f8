import { create, fromBinary, toBinary } from '@bufbuild/protobuf';
import { QueryService } from '../gen/gravitas/telemetry/v1/query_pb.js';
import {
  type TailRequest,
  TailRequestSchema,
  type TailResponse,
  TailResponseSchema,
} from '../gen/gravitas/telemetry/v1/tail_pb.js';
import type { Event, Usage } from '../gen/gravitas/telemetry/v1/telemetry_pb.js';
import { connectHeaders } from './http-transport.ts';
import { fields, type Plain, plain, type Question } from './plain.ts';
import { checkAnswer, QueryError, type QueryOptions } from './query.ts';
import { textOf } from './texts.ts';
import { afterMs } from './timers.ts';

/** An event or a usage record. */
export interface TailRecord {
  readonly event?: Plain<Event>;
  readonly usage?: Plain<Usage>;
  /** When a collector took it. */
  readonly observedAt?: Date;
}

/** Records in the order in which they became visible; none where it only says that it goes on. */
export type TailBatch = Omit<Plain<TailResponse>, 'records'> & { records: TailRecord[] };

/** What is to be told: events, unless `kinds` names `usage` too. */
export type TailFilter = Question<TailRequest> & {
  /** Ends it, as leaving the loop does. */
  readonly signal?: AbortSignal | undefined;
};

const contentType = 'application/connect+proto';
/** The service says every few seconds that it is there. */
const silenceMsMax = 45_000;
const messageBytesMax = 64 * 1024 * 1024;
const endFlag = 2;

/** Calls Tail, over the streams of Connect. Throws QueryError, whatever keeps it from its end. */
export async function* tail(
  { url, headers, stream }: QueryOptions,
  { signal, ...filter }: TailFilter,
): AsyncGenerator<TailBatch, void, undefined> {
  const aborted = new AbortController();
  const abort = () => aborted.abort();
  signal?.addEventListener('abort', abort);
  let silence = afterMs(silenceMsMax, abort);
  try {
    if (signal?.aborted) return;
    const response = await stream({
      url: `${url}/${QueryService.typeName}/${QueryService.method.tail.name}`,
      headers: { ...headers, ...connectHeaders, 'content-type': contentType },
      body: enveloped(toBinary(TailRequestSchema, create(TailRequestSchema, fields(filter)))),
      signal: aborted.signal,
    });
    const body = response.status === 200 ? new Uint8Array() : await wholeOf(response.body);
    checkAnswer({ ...response, body }, contentType);
    for await (const { flags, content } of envelopes(response.body)) {
      silence.cancel();
      silence = afterMs(silenceMsMax, abort);
      if (flags & endFlag) return end(content);
      yield batchOf(fromBinary(TailResponseSchema, content));
    }
    throw new QueryError('the stream ended before its end');
  } catch (error) {
    if (signal?.aborted) return;
    if (error instanceof QueryError) throw error;
    throw new QueryError(`the service can't be followed: ${textOf(error)}`, undefined, {
      cause: error,
    });
  } finally {
    silence.cancel();
    signal?.removeEventListener('abort', abort);
    abort();
  }
}

function batchOf(response: TailResponse): TailBatch {
  const records = response.records.map(({ record, observedAt }) => ({
    ...(record.case && { [record.case]: plain(record.value) }),
    observedAt: plain(observedAt),
  }));
  return { ...(plain({ ...response, records: [] }) as object), records } as TailBatch;
}

async function wholeOf(body: AsyncIterable<Uint8Array>): Promise<Uint8Array> {
  const parts: Uint8Array[] = [];
  for await (const part of body) parts.push(part);
  return joined(parts);
}

function end(content: Uint8Array): void {
  const { error } = JSON.parse(new TextDecoder().decode(content));
  if (error) throw new QueryError(`${error.code}: ${error.message ?? ''}`, error.code);
}

function enveloped(message: Uint8Array): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(5 + message.length);
  new DataView(bytes.buffer).setUint32(1, message.length);
  bytes.set(message, 5);
  return bytes;
}

/** Flags, length and message, in whatever pieces they come. */
async function* envelopes(body: AsyncIterable<Uint8Array>) {
  let rest: Uint8Array = new Uint8Array();
  for await (const part of body) {
    rest = joined([rest, part]);
    while (rest.length >= 5) {
      const length = new DataView(rest.buffer, rest.byteOffset).getUint32(1);
      if (length > messageBytesMax) throw new QueryError('a message of the stream is too long');
      if (rest.length < 5 + length) break;
      yield { flags: rest[0] ?? 0, content: rest.subarray(5, 5 + length) };
      rest = rest.subarray(5 + length);
    }
  }
}

function joined(parts: readonly Uint8Array[]): Uint8Array {
  const bytes = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  return bytes;
}
