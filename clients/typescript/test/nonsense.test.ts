import { once } from 'node:events';
import net from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { temporaryDirectory } from '../../../test/support/temporary-directory.ts';
import { QueryError, Telemetry } from '../src/index.ts';

/** Clauses 3.2 and 3.8: what answers is not even a server of HTTP, or a bad one. */
const sayings: Record<string, (socket: net.Socket) => void> = {
  'the connection ends': (socket) => socket.end(),
  'the connection is reset': (socket) => socket.resetAndDestroy(),
  'another protocol': (socket) => socket.end('SSH-2.0-OpenSSH_9.2\r\n'),
  zeros: (socket) => socket.end(Buffer.alloc(100_000)),
  'half an answer': (socket) => socket.end('HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nhalf'),
  'an upgrade': (socket) =>
    socket.write('HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: x\r\n\r\n'),
  'a page without a length': (socket) => socket.end('HTTP/1.0 200 OK\r\n\r\n<html></html>'),
  'one answer after another': (socket) =>
    socket.end('HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\n\r\n'),
  'an answer without end': (socket) => {
    const more = Buffer.alloc(1 << 20);
    const say = () => {
      while (socket.writable && socket.write(more));
    };
    socket.on('drain', say).write('HTTP/1.1 200 OK\r\n\r\n');
    say();
  },
};

let server: net.Server;
let say: (socket: net.Socket) => void;
const sockets = new Set<net.Socket>();
beforeEach(async () => {
  server = net.createServer((socket) => {
    sockets.add(socket.on('error', () => {}));
    socket.once('data', () => say(socket)).resume();
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
});
afterEach(() => {
  for (const socket of sockets) socket.destroy();
  sockets.clear();
  server.close();
});

describe.each(['http', 'grpc'] as const)('over %s', (transport) => {
  it.each(Object.keys(sayings))(
    '%s: an outage',
    async (saying) => {
      say = sayings[saying] as (typeof sayings)[string];
      const { port } = server.address() as net.AddressInfo;
      const telemetry = new Telemetry({
        url: `http://127.0.0.1:${port}`,
        transport,
        spoolDirectory: temporaryDirectory().path,
        logger: { info: () => {}, warn: () => {} },
      });
      telemetry.log('KEPT');
      expect(await telemetry.flush(40)).toMatchObject({ complete: true, spooled: 1, delivered: 0 });
      // Of a query it would be read as long as there is time.
      const isQuick = transport === 'http' && saying !== 'an answer without end';
      if (isQuick) await expect(telemetry.getFootprint()).rejects.toThrow(QueryError);
      expect(await telemetry.close()).toMatchObject({ complete: true, dropped: 0 });
    },
    60_000,
  );
});
