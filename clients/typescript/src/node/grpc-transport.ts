import net from 'node:net';
import tls from 'node:tls';
import type { Transport as Connection } from '@connectrpc/connect';
import { type Answer, judge } from '../answers.ts';
import { type Sendable, type Transport, tryMsMax } from '../transport.ts';
import { BatchStream, failureOf } from './batch-stream.ts';

export interface GrpcTransportOptions {
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly tls: tls.ConnectionOptions | undefined;
}

/** IngestService.StreamBatches over gRPC: one stream, opened again when it breaks. */
export class GrpcTransport implements Transport {
  readonly parallel = 8;
  readonly #options: GrpcTransportOptions;
  #connection: Promise<Connection> | undefined;
  #stream: BatchStream | undefined;

  constructor(options: GrpcTransportOptions) {
    this.#options = options;
  }

  async send(batch: Sendable, signal: AbortSignal): Promise<Answer> {
    try {
      this.#connection ??= openConnection(this.#options);
      const connection = await this.#connection;
      if (!this.#stream || this.#stream.isOver) {
        this.#stream = new BatchStream(connection, this.#options.headers);
      }
      return await this.#stream.send(batch, signal, tryMsMax);
    } catch (error) {
      this.#connection = undefined;
      return judge(await failureOf(error));
    }
  }

  close(): void {
    this.#stream?.end();
  }
}

async function openConnection({ url, tls: tlsOptions }: GrpcTransportOptions): Promise<Connection> {
  const { createGrpcTransport } = await import('@connectrpc/connect-node');
  return createGrpcTransport({
    baseUrl: url,
    // Pings find out that the other side is gone where nothing else says so.
    pingIntervalMs: 10_000,
    nodeOptions: {
      createConnection: ({ protocol, hostname, port }) => {
        const to = { host: hostname.replace(/^\[|\]$/g, ''), port: Number(port || 443) };
        const socket =
          protocol === 'https:'
            ? tls.connect({ ...to, servername: to.host, ALPNProtocols: ['h2'], ...tlsOptions })
            : net.connect({ ...to, port: Number(port || 80) });
        // Sending in the background doesn't keep the process alive; a session would.
        socket.unref();
        socket.ref = () => socket;
        return socket;
      },
    },
  });
}
