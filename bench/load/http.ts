import { uuidv7 } from 'uuidv7';
import { generateEvents } from '../support/events.ts';
import { type Latencies, latencies } from '../support/statistics.ts';
import { generateUsage, idPlaceholder, newResponseId, type UsageShape } from '../support/usage.ts';
import { serveLoad } from './child.ts';
import { type Answer, getRequest, HttpConnection, postRequest } from './http-connection.ts';
import { Pacer } from './pace.ts';

export interface HttpOptions {
  readonly port: number;
  readonly connections: number;
  readonly seconds: number;
  /** Absent: each connection sends its next request when the last is answered. */
  readonly requestsPerSecond?: number;
  /** Of the events that are posted. */
  readonly seed: number;
  /** In one post; absent: a post is a single one. */
  readonly eventsPerPost?: number;
  /** A usage record a post in place of events. */
  readonly usage?: UsageShape;
  /** The key that each post has. */
  readonly token?: string;
  /** Paths to get, one after another, instead of posting events. */
  readonly queries?: readonly string[];
}

export interface HttpResult extends Latencies {
  /** Of the requests answered with 200: events, or answers to queries. */
  readonly rows: number;
  readonly seconds: number;
  /** Answers by status. */
  readonly statuses: Readonly<Record<string, number>>;
  /** Requests answered otherwise, and the events in them. */
  readonly refusals: number;
  readonly refusedRows: number;
}

const differentEvents = 256;
const differentBatches = 16;

class HttpLoad {
  readonly #options: HttpOptions;
  readonly #requests: readonly Buffer[];
  readonly #connections: readonly HttpConnection[];
  readonly #free: HttpConnection[];
  readonly #latenciesMs: number[] = [];
  readonly #statuses: Record<string, number> = {};
  readonly #runId = uuidv7();
  readonly #done = Promise.withResolvers<void>();
  readonly #dueMs = new Map<HttpConnection, number>();
  #pacer: Pacer | undefined;
  #ended = false;
  #sent = 0;
  #underWay = 0;

  constructor(options: HttpOptions) {
    this.#options = options;
    const { port, connections, queries } = options;
    this.#requests = queries ? queries.map(getRequest) : posts(options);
    this.#connections = Array.from({ length: connections }, () => {
      const connection: HttpConnection = new HttpConnection(port, (answer) =>
        this.#answered(connection, answer),
      );
      return connection;
    });
    this.#free = [...this.#connections];
  }

  async open(): Promise<void> {
    await Promise.all(this.#connections.map((connection) => connection.opened()));
  }

  async run(): Promise<HttpResult> {
    const { seconds, requestsPerSecond } = this.#options;
    const startMs = performance.now();
    const total = requestsPerSecond
      ? Math.max(1, Math.round(seconds * requestsPerSecond))
      : Infinity;
    const hasRoom = () => this.#free.length > 0 && !this.#ended;
    const pace = { total, perSecond: requestsPerSecond };
    this.#pacer = new Pacer(pace, hasRoom, (dueMs) => this.#send(dueMs));
    this.#pacer.again();
    setTimeout(() => {
      this.#ended = true;
      this.#settle();
    }, seconds * 1000);
    await this.#done.promise;
    const elapsedSeconds = (performance.now() - startMs) / 1000;
    for (const connection of this.#connections) connection.close();
    const { eventsPerPost = 1 } = this.#options;
    const taken = this.#statuses['200'] ?? 0;
    return {
      rows: taken * eventsPerPost,
      seconds: elapsedSeconds,
      statuses: this.#statuses,
      refusals: this.#latenciesMs.length - taken,
      refusedRows: (this.#latenciesMs.length - taken) * eventsPerPost,
      ...latencies(this.#latenciesMs),
    };
  }

  #send(dueMs: number): void {
    const connection = this.#free.pop() as HttpConnection;
    this.#dueMs.set(connection, dueMs);
    this.#underWay += 1;
    const request = this.#requests[this.#sent++ % this.#requests.length] as Buffer;
    connection.send(this.#options.usage === 'claimed' ? this.#withNewId(request) : request);
  }

  /** With bytes of its own: others may still be on their way. */
  #withNewId(request: Buffer): Buffer {
    const copy = Buffer.from(request);
    copy.write(newResponseId(this.#runId, this.#sent), request.indexOf(idPlaceholder), 'latin1');
    return copy;
  }

  #answered(connection: HttpConnection, { status, retryAfterSeconds }: Answer): void {
    this.#latenciesMs.push(performance.now() - (this.#dueMs.get(connection) as number));
    this.#statuses[status] = (this.#statuses[status] ?? 0) + 1;
    this.#underWay -= 1;
    const free = () => {
      this.#free.push(connection);
      this.#pacer?.again();
    };
    if (retryAfterSeconds > 0) setTimeout(free, retryAfterSeconds * 1000);
    else free();
    this.#settle();
  }

  #settle(): void {
    if (this.#ended && this.#underWay === 0) this.#done.resolve();
  }
}

function posts({ seed, eventsPerPost, token, usage }: HttpOptions): Buffer[] {
  if (usage !== undefined) {
    return generateUsage(differentEvents, seed, usage).map((record) =>
      postRequest('/v1/telemetry/usage', JSON.stringify(record), token),
    );
  }
  if (eventsPerPost === undefined) {
    return generateEvents(differentEvents, seed).map((event) =>
      postRequest('/v1/telemetry/log', JSON.stringify(event), token),
    );
  }
  return Array.from({ length: differentBatches }, (_, index) =>
    postRequest(
      '/v1/telemetry/batch',
      JSON.stringify({ events: generateEvents(eventsPerPost, seed + index) }),
      token,
    ),
  );
}

await serveLoad(async (options: HttpOptions) => {
  const load = new HttpLoad(options);
  await load.open();
  return () => load.run();
});
