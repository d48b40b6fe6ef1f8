import net from 'node:net';
import tls from 'node:tls';
import type { Transport } from '@connectrpc/connect';
import { type Delivery, type Sendable, tryMsMax } from '../delivery.ts';
import { type Outcome, outcomeOf } from '../outcome.ts';
import { BatchStream, failureOf } from './batch-stream.ts';

export interface GrpcDeliveryOptions {
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly tls: tls.ConnectionOptions | undefined;
}

/** IngestService.StreamBatches over gRPC: one stream, opened again when it breaks. */
export class GrpcDelivery implements Delivery {
  readonly parallel = 8;
  readonly #options: GrpcDeliveryOptions;
  #transport: Promise<Transport> | undefined;
  #stream: BatchStream | undefined;

  constructor(options: GrpcDeliveryOptions) {
    this.#options = options;
  }

  async send(batch: Sendable, signal: AbortSignal): Promise<Outcome> {
    try {
      this.#transport ??= openTransport(this.#options);
      const transport = await this.#transport;
      if (!this.#stream || this.#stream.isOver) {
        this.#stream = new BatchStream(transport, this.#options.headers);
      }
      return await this.#stream.send(batch, signal, tryMsMax);
    } catch (error) {
      this.#transport = undefined;
      return outcomeOf(await failureOf(error));
    }
  }

  close(): void {
    this.#stream?.end();
  }
}

async function openTransport({ url, tls: tlsOptions }: GrpcDeliveryOptions): Promise<Transport> {
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
