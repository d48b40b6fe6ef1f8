import { setTimeout as sleep } from 'node:timers/promises';
import { create, type Message } from '@bufbuild/protobuf';
import { ConnectError, type HandlerContext, type ServiceImpl } from '@connectrpc/connect';
import type {
  ErrorDefinition,
  Header,
  StreamRequest,
  StreamResponseDefinition,
  Suite,
  UnaryRequest,
  UnaryResponseDefinition,
} from './messages.ts';

/** What a call was seen to be: the suite compares it with what its client has sent. */
interface RequestInfo {
  readonly requestHeaders?: Header[];
  readonly timeoutMs?: bigint;
  readonly requests: Message[];
  readonly connectGetInfo?: { readonly queryParams: Header[] };
}

interface Payload {
  readonly data?: Uint8Array;
  readonly requestInfo?: RequestInfo;
}

/** What a request of the suite asks for. */
export class SuiteError extends ConnectError {}

/** The suite's service: each request says what is to be answered. */
export function conformanceService(suite: Suite): ServiceImpl<typeof suite.service> {
  const infoOf = (requests: readonly Message[], context?: HandlerContext): RequestInfo => ({
    requests: requests.map((request) => suite.pack(request)),
    ...(context && contextInfo(context)),
  });

  /** With what was seen of the request, where nothing else says so. */
  const failure = (error: ErrorDefinition, info?: RequestInfo): SuiteError => {
    const made = new SuiteError(error.message ?? '', error.code);
    const seen = info && create(suite.message('ConformancePayload.RequestInfo'), { ...info });
    made.details = [...error.details, ...(seen ? [suite.pack(seen)] : [])].map((any) => ({
      type: any.typeUrl.slice(any.typeUrl.lastIndexOf('/') + 1),
      value: any.value,
    }));
    return made;
  };

  async function answerOnce(
    definition: UnaryResponseDefinition | undefined,
    requests: readonly Message[],
    context: HandlerContext,
  ): Promise<{ payload: Payload }> {
    const requestInfo = infoOf(requests, context);
    addHeaders(definition, context);
    await sleep(definition?.responseDelayMs ?? 0);
    const { response } = definition ?? {};
    if (response?.case === 'error') throw failure(response.value, requestInfo);
    const data = response?.case === 'responseData' ? { data: response.value } : {};
    return { payload: { ...data, requestInfo } };
  }

  const unary = (request: UnaryRequest, context: HandlerContext) =>
    answerOnce(request.responseDefinition, [request], context);

  /** The payloads that are left to send, and the error after them. */
  async function* answerRest(
    definition: StreamResponseDefinition | undefined,
    sent: number,
    info: RequestInfo,
  ): AsyncGenerator<{ payload: Payload }> {
    for (const [index, data] of (definition?.responseData ?? []).entries()) {
      if (index < sent) continue;
      await sleep(definition?.responseDelayMs ?? 0);
      yield { payload: { data, ...(index === 0 && { requestInfo: info }) } };
    }
    const first = sent === 0 && definition?.responseData.length === 0;
    if (definition?.error) throw failure(definition.error, first ? info : undefined);
  }

  return {
    unary,
    idempotentUnary: unary,
    clientStream: async (requests: AsyncIterable<UnaryRequest>, context: HandlerContext) => {
      const all: UnaryRequest[] = [];
      for await (const request of requests) all.push(request);
      return await answerOnce(all[0]?.responseDefinition, all, context);
    },
    serverStream: async function* (request: StreamRequest, context: HandlerContext) {
      addHeaders(request.responseDefinition, context);
      yield* answerRest(request.responseDefinition, 0, infoOf([request], context));
    },
    bidiStream: async function* (requests: AsyncIterable<StreamRequest>, context: HandlerContext) {
      let definition: StreamResponseDefinition | undefined;
      let first: StreamRequest | undefined;
      let sent = 0;
      const unsaid: Message[] = [];
      for await (const request of requests) {
        if (!first) addHeaders(request.responseDefinition, context);
        first ??= request;
        definition ??= request.responseDefinition;
        unsaid.push(request);
        if (!first.fullDuplex) continue;
        const data = definition?.responseData[sent];
        if (!data) break;
        const requestInfo = infoOf(unsaid.splice(0), sent === 0 ? context : undefined);
        await sleep(definition?.responseDelayMs ?? 0);
        yield { payload: { data, requestInfo } };
        sent += 1;
      }
      yield* answerRest(definition, sent, infoOf(unsaid, context));
    },
  } as unknown as ServiceImpl<typeof suite.service>;
}

function addHeaders(
  definition: UnaryResponseDefinition | StreamResponseDefinition | undefined,
  { responseHeader, responseTrailer }: HandlerContext,
): void {
  const add = (headers: Headers, added: readonly Header[] = []) => {
    for (const { name, value } of added) for (const each of value) headers.append(name, each);
  };
  add(responseHeader, definition?.responseHeaders);
  add(responseTrailer, definition?.responseTrailers);
}

function contextInfo({ requestHeader, requestMethod, timeoutMs, url }: HandlerContext) {
  const left = timeoutMs();
  const headers = (entries: Iterable<[string, string]>) =>
    Array.from(entries, ([name, value]) => ({ name, value: [value] }));
  return {
    requestHeaders: headers(requestHeader),
    ...(left !== undefined && { timeoutMs: BigInt(Math.floor(left)) }),
    ...(requestMethod === 'GET' && {
      connectGetInfo: { queryParams: headers(new URL(url).searchParams) },
    }),
  };
}
