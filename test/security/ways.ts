import http from 'node:http';
import http2 from 'node:http2';
import https from 'node:https';
import { text } from 'node:stream/consumers';
import { certificateOf } from '../support/certificates.ts';

/** How a request was received, whatever protocol said so. */
export type Reception = 'unauthenticated' | 'forbidden' | 'let in';

export interface Ask {
  readonly method: string;
  readonly path: string;
  readonly contentType: string;
  readonly headers: Readonly<Record<string, string>>;
  /** Of a POST; an empty object where it is absent. */
  readonly body?: Uint8Array;
}

/** A way in: asks for something, and tells how it was received. */
export interface Way {
  ask(request: Ask): Promise<Reception>;
  /** The same, with all that was said; the body of text where it came as such. */
  hear(request: Ask): Promise<Answer>;
  close(): void;
}

export interface Answer {
  readonly status: number;
  readonly body: string;
  readonly headers: http.IncomingHttpHeaders;
  readonly trailers: http.IncomingHttpHeaders;
}

/** Connect, plain HTTP, gRPC and gRPC-Web, each as it says such things. */
function receptionOf(answer: Answer, contentType: string): Reception {
  const { status, headers, trailers } = answer;
  const body = bodyOf(answer, contentType);
  const told =
    trailers['grpc-status'] ?? headers['grpc-status'] ?? /grpc-status: (\d+)/.exec(body)?.[1];
  const code = /"code":"(\w+)"/.exec(body)?.[1];
  if (status === 401 || told === '16' || code === 'unauthenticated') return 'unauthenticated';
  if (status === 403 || told === '7' || code === 'permission_denied') return 'forbidden';
  return 'let in';
}

/** Of gRPC-Web as text too, whose pieces are each padded for themselves. */
const bodyOf = ({ body }: Answer, contentType: string): string =>
  contentType.includes('web-text')
    ? body
        .split(/(?<==)(?!=)/)
        .map((piece) => Buffer.from(piece, 'base64').toString())
        .join('')
    : body;

const wayOf = (answer: (request: Ask) => Promise<Answer>, close: () => void): Way => ({
  ask: async (request) => receptionOf(await answer(request), request.contentType),
  hear: async (request) => {
    const heard = await answer(request);
    return { ...heard, body: bodyOf(heard, request.contentType) };
  },
  close,
});

const bodySent = ({ method, body = Buffer.from('{}') }: Ask) =>
  method === 'POST' ? body : undefined;

/** The servers of tests are certified for localhost. */
const trust = { ca: certificateOf('ca'), servername: 'localhost' };
const answerMsMax = 20_000;

function overHttp1(baseUrl: string): Way {
  const { protocol } = new URL(baseUrl);
  const { request, Agent } = protocol === 'https:' ? https : http;
  const agent = new Agent({ keepAlive: true });
  const answer = async (asked: Ask): Promise<Answer> => {
    const { method, path, contentType, headers } = asked;
    const call = request(new URL(baseUrl), {
      ...trust,
      agent,
      method,
      path,
      headers: { ...headers, 'content-type': contentType },
      signal: AbortSignal.timeout(answerMsMax),
    });
    const answered = new Promise<http.IncomingMessage>((resolve, reject) => {
      call.once('response', resolve).once('error', reject);
    });
    call.end(bodySent(asked));
    const response = await answered;
    const body = await text(response);
    return {
      status: response.statusCode ?? 0,
      headers: response.headers,
      trailers: response.trailers,
      body,
    };
  };
  return wayOf(answer, () => agent.destroy());
}

function overHttp2(baseUrl: string): Way {
  const session = http2.connect(baseUrl, trust);
  const answer = async (asked: Ask): Promise<Answer> => {
    const { method, path, contentType, headers } = asked;
    const own = { ':method': method, ':path': path, 'content-type': contentType };
    const call = session.request({ ...headers, ...own, te: 'trailers' });
    const answered = Promise.withResolvers<http2.IncomingHttpHeaders>();
    let trailers: http2.IncomingHttpHeaders = {};
    call.once('trailers', (received) => {
      trailers = received;
    });
    call.once('response', answered.resolve).once('error', answered.reject);
    call.end(bodySent(asked));
    const { ':status': status, ...header } = await answered.promise;
    return { status: Number(status), headers: header, trailers, body: await text(call) };
  };
  return wayOf(answer, () => session.destroy());
}

/** Every way in that there is: the suite puts each route through each of them. */
export const ways: Readonly<Record<string, (baseUrl: string) => Way>> = {
  'HTTP/1.1': overHttp1,
  'HTTP/2': overHttp2,
};
