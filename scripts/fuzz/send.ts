import http from 'node:http';
import http2 from 'node:http2';
import net from 'node:net';
import { fromBinary } from '@bufbuild/protobuf';
import {
  LogBatchResponseSchema,
  LogResponseSchema,
  StreamBatchesResponseSchema,
} from '../../gen/typescript/gravitas/telemetry/v1/ingest_pb.js';
import { openCall, type RawAnswer, readAnswer } from '../../test/support/raw-call.ts';
import { hasServerError } from './frames.ts';
import type { Input } from './inputs.ts';

/** What one input led to. */
export interface Result {
  readonly outcome: 'stored' | 'answered' | 'overloaded' | 'closed' | 'violation';
  /** Records that the answer says are stored now. */
  readonly records: number;
  /** The answer, where it breaks the rules. */
  readonly text?: string;
}

const rawMsMax = 3000;

/** Sends inputs to one collector: half of the requests on HTTP/1.1, what needs it on HTTP/2. */
export class Sender {
  readonly #baseUrl: string;
  readonly #port: number;
  readonly #agent = new http.Agent({ keepAlive: true, maxSockets: 32 });
  #session: http2.ClientHttp2Session | undefined;

  constructor(baseUrl: string, port: number) {
    this.#baseUrl = baseUrl;
    this.#port = port;
  }

  async send(input: Input): Promise<Result> {
    try {
      if (input.method === 'RAW') return await this.#raw(input.body);
      const http1 = input.method === 'GET' || /^(rest|grpc-web|json-lists|odd)/.test(input.kind);
      const answer = http1 ? await this.#http1(input) : await this.#http2(input);
      return judge(input, answer);
    } catch {
      return { outcome: 'closed', records: 0 };
    }
  }

  close(): void {
    this.#agent.destroy();
    this.#session?.destroy();
  }

  async #http2({ method, path, target = path, contentType, headers, body }: Input) {
    if (!this.#session || this.#session.closed || this.#session.destroyed) {
      this.#session = http2.connect(this.#baseUrl).on('error', () => {});
    }
    const call = openCall(this.#session, target, {
      ':method': method,
      'content-type': contentType,
      ...headers,
    });
    call.end(body);
    return await readAnswer(call);
  }

  #http1({ method, path, target = path, contentType, headers: odd, body }: Input): Promise<Answer> {
    const headers = { ...(contentType !== '' && { 'content-type': contentType }), ...odd };
    return new Promise((resolve, reject) => {
      const request = http.request(this.#baseUrl, {
        agent: this.#agent,
        method,
        path: target,
        headers,
      });
      request.once('error', reject);
      request.once('response', (response) => {
        const chunks: Buffer[] = [];
        response.on('data', (chunk) => chunks.push(chunk));
        response.once('error', reject);
        response.once('end', () => {
          const retryAfter = response.headers['retry-after'];
          const contentEncoding = response.headers['content-encoding'];
          const { statusCode: status = 0 } = response;
          resolve({ status, contentEncoding, retryAfter, body: Buffer.concat(chunks) });
        });
      });
      request.end(body);
    });
  }

  #raw(bytes: Buffer): Promise<Result> {
    return new Promise((resolve) => {
      const chunks: Buffer[] = [];
      const socket = net.connect(this.#port, '127.0.0.1');
      socket.setTimeout(rawMsMax, () => socket.destroy());
      socket.on('data', (chunk) => chunks.push(chunk));
      socket.on('error', () => {});
      socket.once('close', () => {
        const answer = Buffer.concat(chunks);
        if (!hasServerError(answer)) resolve({ outcome: 'closed', records: 0 });
        else resolve({ outcome: 'violation', records: 0, text: answer.toString('latin1') });
      });
      socket.end(bytes);
    });
  }
}

interface Answer extends Partial<Pick<RawAnswer, 'grpcStatus' | 'grpcMessage'>> {
  readonly status: number;
  readonly contentEncoding: string | undefined;
  readonly retryAfter?: string | undefined;
  readonly body: Buffer;
}

/** A method that is not there, the caller's own deadline, a version of HTTP that the method can't use. */
const tellsOfRequest = [501, 504, 505];

/** No answer may blame the collector; one that says it is busy has to say when to come back. */
function judge(input: Input, answer: Answer): Result {
  const { status, body } = answer;
  const text = `${status} ${answer.grpcStatus} ${answer.grpcMessage} ${body.toString('latin1')}`;
  const web = /grpc-status: *(\d+)/.exec(input.kind === 'grpc-web' ? text : '')?.[1];
  const grpc = answer.grpcStatus ?? web;
  const isRetryable = status === 503 || status === 429;
  if (isRetryable && answer.retryAfter !== undefined) return { outcome: 'overloaded', records: 0 };
  // A message that says it is larger than allowed is told so by the same code.
  const isTooLarge = /readMaxBytes|JSON values/.test(
    decodeURIComponent(answer.grpcMessage ?? '') + text,
  );
  const isOverload =
    grpc === '14' || grpc === '8' || /"code":"(unavailable|resource_exh)/.test(text);
  const isOurFault = grpc === '13' || grpc === '2' || /"code":"(internal|unknown)"/.test(text);
  // gRPC calls it internal that a message is compressed in an encoding that nobody has named.
  const isInternal = isOurFault && !/compress/.test(decodeURIComponent(text));
  const isServerError = status >= 500 && !isOverload && !tellsOfRequest.includes(status);
  if (isInternal || isServerError) return { outcome: 'violation', records: 0, text };
  if (isOverload && !isTooLarge) return { outcome: 'overloaded', records: 0 };
  if (isTooLarge) return { outcome: 'answered', records: 0 };
  try {
    // What comes back compressed is not counted: the tables may have more than that.
    const records = answer.contentEncoding ? 0 : storedRecords(input, body);
    return { outcome: records > 0 ? 'stored' : 'answered', records };
  } catch (error) {
    return { outcome: 'violation', records: 0, text: `${error}: ${text}` };
  }
}

/** How many records an answer says are stored now, known ones not counted again. */
function storedRecords({ kind, path, contentType }: Input, body: Buffer): number {
  if (body.length === 0 || ['query', 'grpc-summary', 'odd-method'].includes(kind)) return 0;
  const isBatch = /batch/i.test(path);
  const ofBatch = (answer: { duplicate?: boolean; events?: number; usage?: number } | undefined) =>
    answer && !answer.duplicate ? (answer.events ?? 0) + (answer.usage ?? 0) : 0;
  if (contentType === 'application/json' || contentType === 'application/x-ndjson') {
    const answer = JSON.parse(body.toString());
    return isBatch ? ofBatch(answer) : Number(answer.success === true && !answer.duplicate);
  }
  if (contentType === 'application/proto') {
    if (body[0] === 0x7b) return 0;
    return isBatch ? ofBatch(fromBinary(LogBatchResponseSchema, body)) : ofRecord(body);
  }
  let records = 0;
  for (let at = 0; at + 5 <= body.length; at += 5 + body.readUInt32BE(at + 1)) {
    const message = body.subarray(at + 5, at + 5 + body.readUInt32BE(at + 1));
    if (body[at] !== 0) continue;
    if (path.endsWith('StreamBatches')) records += ofBatch(acknowledgement(contentType, message));
    else if (isBatch) records += ofBatch(fromBinary(LogBatchResponseSchema, message));
    else records += ofRecord(message);
  }
  return records;
}

function ofRecord(message: Buffer): number {
  const { success, duplicate } = fromBinary(LogResponseSchema, message);
  return Number(success && !duplicate);
}

/** Of one batch of a stream; an internal error in it is as bad as one of the call. */
function acknowledgement(contentType: string, message: Buffer) {
  const json = contentType.endsWith('json');
  const { ack, error } = json
    ? JSON.parse(message.toString())
    : fromBinary(StreamBatchesResponseSchema, message);
  if (error && [2, 13].includes(error.code)) throw new Error(error.message);
  return ack ?? undefined;
}
