import { once } from 'node:events';
import net from 'node:net';

export interface CuttableProxy {
  readonly url: string;
  /** From now on, until the cut, what the server sends does not reach the client. */
  withholdAnswers(): void;
  /** Breaks all connections; new ones work. */
  cut(): void;
  stop(): Promise<void>;
}

/** A network between a client and a local port that fails on command. */
export async function startProxy(port: number): Promise<CuttableProxy> {
  const sockets = new Set<net.Socket>();
  let withholding = false;
  const cut = () => {
    for (const socket of sockets) socket.destroy();
    sockets.clear();
    withholding = false;
  };
  const server = net.createServer((client) => {
    const upstream = net.connect(port, '127.0.0.1');
    for (const [from, to] of [
      [client, upstream],
      [upstream, client],
    ] as const) {
      sockets.add(from);
      from.on('error', () => {});
      from.on('close', () => to.destroy());
    }
    client.on('data', (bytes) => upstream.write(bytes));
    upstream.on('data', (bytes) => withholding || client.write(bytes));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as net.AddressInfo).port}`,
    withholdAnswers: () => {
      withholding = true;
    },
    cut,
    stop: async () => {
      cut();
      server.close();
      await once(server, 'close');
    },
  };
}
