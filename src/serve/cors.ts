import type { OutgoingHttpHeaders } from 'node:http';
import type { Request, Response } from './socket-server.ts';

/** What pages of other origins may send beside what any page may; the rest is let in by `*`. */
const requestHeaders = [
  'authorization',
  'x-api-key',
  'content-type',
  'content-encoding',
  'connect-protocol-version',
  'connect-timeout-ms',
  'connect-accept-encoding',
  'connect-content-encoding',
  'grpc-timeout',
  'grpc-accept-encoding',
  'grpc-encoding',
  'x-grpc-web',
  'x-user-agent',
  'x-request-id',
  'traceparent',
  'tracestate',
  // Stands for all others but `authorization`: https://fetch.spec.whatwg.org/#cors-preflight-fetch
  '*',
].join(', ');

/** What such pages may read of an answer beside its body. */
const answerHeaders = [
  'grpc-status',
  'grpc-message',
  'grpc-status-details-bin',
  'grpc-encoding',
  'grpc-accept-encoding',
  'connect-content-encoding',
  'connect-accept-encoding',
  'content-encoding',
  'accept-encoding',
  'accept-post',
  'allow',
  'date',
  'link',
  'retry-after',
  'telemetry-age-ms',
  'telemetry-as-of',
  'telemetry-notes',
  'telemetry-source',
  'www-authenticate',
  'x-request-id',
].join(', ');

/** The longest for which browsers remember what they were answered is two hours. */
const preflightAgeSeconds = 7200;

/**
 * Lets pages of other origins in, where the operator has named them: https://fetch.spec.whatwg.org/#http-cors-protocol
 * Without credentials, which are those that a browser adds by itself: a page sends its own key.
 */
export class Cors {
  readonly #origins: ReadonlySet<string>;
  readonly #all: boolean;

  /** Each as browsers send it, or `*` for all. */
  constructor(origins: readonly string[]) {
    this.#origins = new Set(origins);
    this.#all = this.#origins.has('*');
  }

  /**
   * Has an answer say who may read it, whatever it comes to be; answers a preflight itself, and
   * returns true.
   */
  answers(request: Request, response: Response, methods: string): boolean {
    const origin = this.#letIn(request.headers.origin);
    const isAnswered = isPreflight(request);
    if (isAnswered) response.writeHead(204, this.#preflight(request, origin, methods)).end();
    else addToHead(response, this.#named(origin), this.#all ? [] : ['origin']);
    return isAnswered;
  }

  /** As the header of an answer has it. */
  #letIn(origin: string | undefined): string | undefined {
    if (this.#all) return '*';
    return origin !== undefined && this.#origins.has(origin) ? origin : undefined;
  }

  #named(origin: string | undefined): OutgoingHttpHeaders {
    if (origin === undefined) return {};
    return {
      'access-control-allow-origin': origin,
      'access-control-expose-headers': answerHeaders,
    };
  }

  #preflight(
    { headers }: Request,
    origin: string | undefined,
    methods: string,
  ): Record<string, string> {
    const vary = 'origin, access-control-request-method, access-control-request-headers';
    if (origin === undefined) return { allow: methods, vary };
    // Not for all who come by: a page of the internet would reach into a private network.
    const isPrivate = !this.#all && headers['access-control-request-private-network'] === 'true';
    return {
      allow: methods,
      vary,
      'access-control-allow-origin': origin,
      'access-control-allow-methods': methods,
      'access-control-allow-headers': requestHeaders,
      'access-control-max-age': String(preflightAgeSeconds),
      ...(isPrivate && { 'access-control-allow-private-network': 'true' }),
    };
  }
}

const isPreflight = ({ method, headers }: Request): boolean =>
  method === 'OPTIONS' &&
  headers.origin !== undefined &&
  headers['access-control-request-method'] !== undefined;

/** Adds to the head of an answer that somebody else writes later, all of it at once. */
function addToHead(response: Response, added: OutgoingHttpHeaders, varyBy: readonly string[]) {
  const writeHead = response.writeHead.bind(response);
  response.writeHead = ((status: number, headers: OutgoingHttpHeaders = {}) => {
    const vary = [headers.vary, ...varyBy].filter((name) => name !== undefined).join(', ');
    return writeHead(status, { ...headers, ...added, ...(vary !== '' && { vary }) });
  }) as Response['writeHead'];
}
