import net from 'node:net';
import tls from 'node:tls';
import type { Transport as Connection } from '@connectrpc/connect';
import { type Answer, judge } from '../answers.ts';
import { textOf } from '../texts.ts';
import { type Sendable, type Transport, tryMsMax } from '../transport.ts';
import { BatchStream, failureOf } from './batch-stream.ts';
import { proxyOf } from './proxy.ts';
import type { Tls } from './tls-files.ts';

export interface GrpcTransportOptions {
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly tls: Tls;
  /** Takes its place where it can't be had. */
  readonly instead: (reason: string) => Transport;
}

interface Opened {
  readonly connection: Connection;
  close(): void;
}

/** IngestService.StreamBatches over gRPC: one stream, opened again when it breaks. */
export class GrpcTransport implements Transport {
  readonly parallel = 8;
  readonly #options: GrpcTransportOptions;
  #opened: Promise<Opened> | undefined;
  #stream: BatchStream | undefined;
  #instead: Transport | undefined;

  constructor(options: GrpcTransportOptions) {
    this.#options = options;
  }

  async send(batch: Sendable, signal: AbortSignal): Promise<Answer> {
    if (this.#instead) return this.#instead.send(batch, signal);
    try {
      this.#opened ??= open(this.#options);
      const { connection } = await this.#opened;
      if (!this.#stream || this.#stream.isOver) {
        this.#stream = new BatchStream(connection, this.#options.headers);
      }
      return await this.#stream.send(batch, signal, tryMsMax);
    } catch (error) {
      this.#opened = undefined;
      if (error instanceof NoGrpc) {
        this.#instead ??= this.#options.instead(error.message);
        return this.#instead.send(batch, signal);
      }
      return judge(await failureOf(error));
    }
  }

  close(): void {
    this.#stream?.end();
    this.#instead?.close();
    this.#opened?.then(({ close }) => close()).catch(() => {});
  }
}

/** What no further try would mend. */
class NoGrpc extends Error {}

async function open(options: GrpcTransportOptions): Promise<Opened> {
  const { url, tls: tlsOptions } = options;
  // What is wrong with a file is said here; later it is only a connection that is not made.
  tlsOptions();
  if (proxyOf(new URL(url), process.env)) throw new NoGrpc('gRPC goes through no proxy');
  const { createGrpcTransport, Http2SessionManager } = await connectNode();
  // Pings find out that the other side is gone where nothing else says so.
  const sessions = new Http2SessionManager(
    url,
    { pingIntervalMs: 10_000 },
    { createConnection: (to) => connect(to, tlsOptions) },
  );
  const connection = createGrpcTransport({ baseUrl: url, sessionManager: sessions });
  return { connection, close: () => sessions.abort() };
}

/** Optional, and not for bundlers: most applications don't have it. */
async function connectNode(): Promise<typeof import('@connectrpc/connect-node')> {
  try {
    return await import(/* webpackIgnore: true */ /* @vite-ignore */ '@connectrpc/connect-node');
  } catch (error) {
    const packages = '@connectrpc/connect and @connectrpc/connect-node';
    throw new NoGrpc(`gRPC takes ${packages}: ${textOf(error)}`);
  }
}

function connect({ protocol, hostname, port }: URL, tlsOptions: Tls): net.Socket {
  const host = hostname.replace(/^\[|\]$/g, '');
  const socket =
    protocol === 'https:'
      ? tls.connect({
          ...{ host, port: Number(port || 443), ALPNProtocols: ['h2'] },
          // An address is no name.
          ...(!net.isIP(host) && { servername: host }),
          ...tlsOptions(),
        })
      : net.connect({ host, port: Number(port || 80) });
  // Sending in the background doesn't keep the process alive; a session would.
  socket.unref();
  socket.ref = () => socket;
  return socket;
}
