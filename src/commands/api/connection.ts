import { readFileSync } from 'node:fs';
import http from 'node:http';
import https from 'node:https';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Transport } from '@connectrpc/connect';
import { createConnectTransport } from '@connectrpc/connect-node';
import { errorMessage, StartError } from '../../errors.ts';

/** Where a collector is, and who asks it. */
export interface ConnectionOptions {
  readonly url: string;
  readonly key?: string | undefined;
  readonly caFile?: string | undefined;
}

export interface Answer {
  readonly text: string;
  /** The page after this one, as parameters. */
  readonly next: URLSearchParams | undefined;
}

/** What a collector refuses, for people. */
export class Refusal extends StartError {
  readonly status: number;

  constructor(status: number, message: string) {
    super(message);
    this.status = status;
  }
}

const triesMax = 6;
const pauseMsMax = 10_000;
/** Longer than a collector takes over anything. */
const silenceMsMax = 120_000;

/** The API of a collector, wherever it is. Throws a `StartError` that people can do something with. */
export class Connection {
  readonly #url: URL;
  readonly #headers: Readonly<Record<string, string>>;
  readonly #ca: Buffer | undefined;
  readonly #agent: http.Agent;
  #hasAnswered = false;

  constructor({ url, key, caFile }: ConnectionOptions) {
    this.#url = addressOf(url);
    this.#headers = key ? { authorization: `Bearer ${key}` } : {};
    this.#ca = caFile ? readFile(caFile) : undefined;
    const { Agent } = this.#isSecure ? https : http;
    this.#agent = new Agent({ keepAlive: true, ...(this.#ca && { ca: this.#ca }) });
  }

  /** Asks; tries again what is worth it. */
  async get(path: string, parameters = new URLSearchParams()): Promise<Answer> {
    return await this.#patiently(() => this.#send('GET', `${path}?${parameters}`));
  }

  /** Sends JSON that may be sent twice without harm; tries again what is worth it. */
  async post(path: string, body: string): Promise<string> {
    return (await this.#patiently(() => this.#send('POST', path, body))).text;
  }

  /** For streams. */
  transport(): Transport {
    return createConnectTransport({
      baseUrl: this.#url.href.replace(/\/$/, ''),
      httpVersion: '1.1',
      ...(this.#ca && { nodeOptions: { ca: this.#ca } }),
      interceptors: [
        (next) => (request) => {
          for (const [name, value] of Object.entries(this.#headers))
            request.header.set(name, value);
          return next(request);
        },
      ],
    });
  }

  get address(): string {
    return this.#url.href;
  }

  get #isSecure(): boolean {
    return this.#url.protocol === 'https:';
  }

  async #patiently(send: () => Promise<Answer>): Promise<Answer> {
    for (let tries = 1; ; tries++) {
      try {
        const answer = await send();
        this.#hasAnswered = true;
        return answer;
      } catch (error) {
        const pauseMs = pauseBefore(error, tries, this.#hasAnswered);
        if (tries === triesMax || pauseMs === undefined) throw this.#inWords(error);
        await sleep(pauseMs);
      }
    }
  }

  #send(method: string, path: string, body?: string): Promise<Answer> {
    const { request } = this.#isSecure ? https : http;
    const headers = {
      ...this.#headers,
      accept: 'application/json',
      ...(body !== undefined && {
        'content-type': 'application/json',
        'content-length': Buffer.byteLength(body),
      }),
    };
    const url = new URL(path.replace(/^\//, ''), this.#url);
    return new Promise((resolve, reject) => {
      const options = { method, headers, agent: this.#agent, timeout: silenceMsMax };
      const sent = request(url, options, (response) => {
        const chunks: Buffer[] = [];
        response.on('data', (chunk: Buffer) => chunks.push(chunk));
        response.on('error', reject);
        response.on('end', () => {
          const text = Buffer.concat(chunks).toString();
          if (response.statusCode === 200) resolve({ text, next: nextOf(response.headers.link) });
          else reject(new Refused(response, text));
        });
      });
      sent.on('timeout', () => sent.destroy(new Error('it does not answer')));
      sent.on('error', reject);
      sent.end(body);
    });
  }

  #inWords(error: unknown): StartError {
    if (!(error instanceof Refused)) {
      return new StartError(`no collector answers at ${this.address}: ${errorMessage(error)}`);
    }
    const { status, message } = error;
    const hint = status === 401 ? ' (by TELEMETRY_TOKEN or --key)' : '';
    return new Refusal(status, `${this.address} refuses: ${message}${hint}`);
  }
}

/** An answer other than the one that was hoped for. */
class Refused extends Error {
  readonly status: number;
  readonly retryAfterMs: number | undefined;

  constructor({ statusCode = 0, headers }: http.IncomingMessage, text: string) {
    super(messageOf(text) ?? `status ${statusCode}, which is not what a collector says`);
    this.status = statusCode;
    const seconds = Number(headers['retry-after']);
    this.retryAfterMs = seconds >= 0 ? seconds * 1000 : undefined;
  }
}

/** Undefined where another try is no use. `wasThere`: it has answered before. */
function pauseBefore(error: unknown, tries: number, wasThere: boolean): number | undefined {
  const usual = Math.min(pauseMsMax, 250 * 2 ** tries);
  if (error instanceof Refused) {
    if (![429, 502, 503, 504].includes(error.status)) return undefined;
    return Math.min(pauseMsMax, error.retryAfterMs ?? usual);
  }
  const { code } = error as NodeJS.ErrnoException;
  // Nobody is there at all, or not who should be: that is for somebody to mend.
  const passing = ['ECONNRESET', 'EPIPE', ...(wasThere ? ['ECONNREFUSED'] : [])];
  return passing.includes(code ?? '') ? usual : undefined;
}

function messageOf(text: string): string | undefined {
  try {
    const { message } = JSON.parse(text) as { message?: unknown };
    return typeof message === 'string' ? message : undefined;
  } catch {
    return undefined;
  }
}

function nextOf(link: string | readonly string[] | undefined): URLSearchParams | undefined {
  const [, query] = /<[^>]*\?([^>]*)>;\s*rel="next"/.exec(String(link ?? '')) ?? [];
  return query === undefined ? undefined : new URLSearchParams(query);
}

function addressOf(text: string): URL {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url && /^https?:$/.test(url.protocol)) {
    if (!url.pathname.endsWith('/')) url.pathname += '/';
    return url;
  }
  const example = 'http://localhost:8002';
  throw new StartError(`--url: ${JSON.stringify(text)} is no address such as ${example}`);
}

function readFile(path: string): Buffer {
  try {
    return readFileSync(path);
  } catch (error) {
    throw new StartError(`--ca-file: ${errorMessage(error)}`);
  }
}
