import type { Admission, Admitted } from './admission.ts';
import { Call } from './call.ts';
import { Cors } from './cors.ts';
import { endWithAnswer } from './cut.ts';
import { beginGrpc } from './hot/begin-grpc.ts';
import type { BeginGrpc } from './hot/grpc-calls.ts';
import type { AnswerPlain } from './hot/hot-connections.ts';
import type { PlainPost } from './hot/plain-post.ts';
import { parseMediaType } from './media-type.ts';
import { jsonHeaders, sendWhole } from './plain-answers.ts';
import { PlainCall } from './plain-call.ts';
import type { SentAnswer, WholeAnswer } from './protocol/protocol.ts';
import { protocolOf } from './protocol/protocol-of.ts';
import { RequestError } from './request-error.ts';
import type { OnAnswered } from './request-metrics.ts';
import type { PlainWay, Route } from './route.ts';
import { RouteTable } from './route-table.ts';
import type { Request, RequestListener, Response } from './socket-server.ts';
import { type About, refused, type Tell } from './told-error.ts';

/** Sends each request through the gate and to its route, and tells its error where there is one. */
export class Router {
  readonly #table: RouteTable;
  readonly #admission: Admission;
  readonly #tell: Tell;
  readonly #cors: Cors | undefined;
  readonly #onAnswered: OnAnswered;
  /** Serves unary calls of gRPC to routes that take such; what it does not serve is `listener`'s. */
  readonly beginGrpc: BeginGrpc;

  constructor(
    routes: readonly Route[],
    admission: Admission,
    tell: Tell,
    corsOrigins: readonly string[] = [],
    onAnswered: OnAnswered = () => {},
  ) {
    this.#onAnswered = onAnswered;
    this.#table = new RouteTable([...routes, this.#collector]);
    this.#admission = admission;
    this.#tell = tell;
    this.beginGrpc = beginGrpc({
      ...{ table: this.#table, admission, onAnswered },
      refusal: (...refused) => this.#refusal(...refused),
    });
    this.#cors = corsOrigins.length > 0 ? new Cors(corsOrigins) : undefined;
  }

  readonly listener: RequestListener = (request, response) => {
    endWithAnswer(request, response);
    request.url = originForm(request.url ?? '');
    const route = this.#table.find(pathOf(request.url)) ?? this.#unknown;
    // Before the gate: a browser asks without the credentials that the page is going to send.
    if (this.#cors?.answers(request, response, allowed(route))) return;
    const call =
      wrongHost(request) ?? this.#admission.admit(asked(route, request), request, response);
    const about = call instanceof Call ? call : refused(request.headers);
    const beganAt = performance.now();
    response.once('close', () => {
      const code = about.code ?? codeOfStatus(response);
      this.#onAnswered(route.path, code, performance.now() - beganAt, request);
    });
    if (!(call instanceof Call)) {
      this.#refuse(request, response, call, about);
      return;
    }
    this.#serve(route, call, request, response).catch((error) => {
      call.reachedHandler = true;
      this.#refuse(request, response, error, call);
    });
  };

  /** Answers a plain post to a route that takes such; undefined where `listener` is to. */
  readonly answerPlain: AnswerPlain = (post, socket) => {
    const { headers, body } = post;
    const route = this.#table.find(post.path);
    const contentType = headers['content-type'];
    if (!route?.plain || body.length > route.plain.bytesMax) return undefined;
    if (!takes([route.plain.mediaType], contentType)) return undefined;
    const beganAt = performance.now();
    const call = this.#admission.admitWhole(route, { headers, socket });
    if (call instanceof PlainCall)
      return this.#answer(route.path, route.plain, call, post, beganAt);
    const about = refused(headers);
    const answer = this.#refusal(call, about, contentType);
    this.#answered(route.path, about, post, beganAt);
    return Promise.resolve(answer);
  };

  async #answer(
    path: string,
    { serve }: PlainWay,
    call: PlainCall,
    post: PlainPost,
    beganAt: number,
  ): Promise<SentAnswer> {
    try {
      call.receive(post.body.length);
      const turn = call.turn();
      if (turn) await turn;
      return { status: 200, headers: jsonHeaders, body: await serve(call, post.body) };
    } catch (error) {
      call.reachedHandler = true;
      return this.#refusal(error, call, 'application/json');
    } finally {
      call.end();
      this.#answered(path, call, post, beganAt);
    }
  }

  #answered(path: string, { code }: About, { headers }: PlainPost, beganAt: number): void {
    const asked = { method: 'POST', headers };
    this.#onAnswered(path, code ?? 'ok', performance.now() - beganAt, asked);
  }

  /** Tells whoever comes in plain text, where TLS is asked for. */
  readonly plainTextListener: RequestListener = (request, response) => {
    endWithAnswer(request, response);
    this.#refuse(request, response, plainText(), refused(request.headers));
  };

  /** As the last route of the table, for what has none. */
  readonly #unknown: Route = {
    path: '/',
    methods: ['GET', 'POST', 'PUT', 'DELETE', 'PATCH', 'OPTIONS'],
    // Answered at once: nobody's call has to wait for it.
    kind: 'operator',
    scope: 'none',
    serve: async (_call, request) => {
      const kind = methodPath.test(pathOf(request.url as string))
        ? 'unimplemented'
        : protocolOf(request.headers['content-type']).unknownPath;
      throw new RequestError(kind, 'not_found', 'no such path', { status: 404 });
    },
  };

  /** Of the collector as a whole, `*`, one may ask for its methods only. */
  readonly #collector: Route = { ...this.#unknown, path: '*', methods: ['GET', 'POST'] };

  async #serve(route: Route, call: Call, request: Request, response: Response): Promise<void> {
    const method = request.method === 'HEAD' ? 'GET' : (request.method as string);
    if (!route.methods.includes(method)) {
      if (method !== 'OPTIONS') throw otherMethod(route);
      // Without a length: RFC 9110, section 8.6.
      response.writeHead(204, { allow: allowed(route) }).end();
    } else {
      const { mediaTypes } = route;
      if (method === 'POST' && mediaTypes && !takes(mediaTypes, request.headers['content-type'])) {
        throw otherMediaType(mediaTypes);
      }
      await route.serve(call, request, response);
    }
  }

  #refuse(request: Request, response: Response, error: unknown, about: About): void {
    sendWhole(response, this.#refusal(error, about, request.headers['content-type']));
  }

  #refusal(error: unknown, about: About, contentType = ''): WholeAnswer {
    const protocol = protocolOf(contentType);
    try {
      return protocol.refuse(this.#tell(error, about), contentType);
    } catch (fault) {
      // What can't be told is a fault of ours: it ends this call, and not all of them.
      return protocol.refuse(this.#tell(fault, about), contentType);
    }
  }
}

/** Of an answer that is no error of ours; whoever has left before it was complete has cancelled. */
function codeOfStatus({ statusCode, writableEnded }: Response): string {
  if (!writableEnded) return 'canceled';
  return statusCode < 400 ? 'ok' : String(statusCode);
}

/** Older and newer clients call methods that are not here: they are told so in every protocol. */
const methodPath = /^\/\w+(\.\w+)+\/\w+$/;

/** What a path takes may be asked by everybody: browsers ask without credentials. */
const asked = ({ kind, scope }: Route, { method }: Request): Admitted => ({
  kind,
  scope: method === 'OPTIONS' ? 'none' : scope,
});

const allowed = ({ methods }: Route): string =>
  methods.map((method) => (method === 'GET' ? 'GET, HEAD' : method)).join(', ');

/** What may mean two things to two servers: RFC 9112, section 3.2. */
function wrongHost({ httpVersion, headers: { host } }: Request): RequestError | undefined {
  const isMissing = httpVersion === '1.1' && host === undefined;
  const isDoubled = httpVersion.startsWith('1.') && host?.includes(',');
  if (!isMissing && !isDoubled) return undefined;
  const text = isMissing ? 'the header has no Host' : 'the header has several Hosts';
  return new RequestError('invalid', 'malformed', text, { headers: { connection: 'close' } });
}

/** Not the fault of what was sent: clients keep it until their address is mended. */
const plainText = () =>
  new RequestError('unimplemented', 'plain_text', 'this port takes TLS only: use https', {
    status: 400,
  });

const otherMethod = (route: Route) =>
  new RequestError('unimplemented', 'method', `use ${route.methods.join(' or ')}`, {
    status: 405,
    headers: { allow: allowed(route) },
  });

const otherMediaType = (mediaTypes: readonly string[]) =>
  new RequestError('invalid', 'content_type', `content-type must be ${mediaTypes.join(' or ')}`, {
    status: 415,
    headers: { 'accept-post': mediaTypes.join(', ') },
  });

/** Without the scheme and host that proxies are sent: RFC 9112, section 3.2.2. */
const originForm = (target: string): string =>
  target.startsWith('/') ? target : target.replace(/^https?:\/\/[^/?#]*\/?/i, '/');

const pathOf = (target: string): string => target.split('?', 1)[0] as string;

function takes(mediaTypes: readonly string[], contentType: string | undefined): boolean {
  const mediaType = parseMediaType(contentType);
  return mediaType !== undefined && mediaTypes.includes(mediaType.essence) && mediaType.isUtf8;
}
