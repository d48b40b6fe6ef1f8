import { once } from 'node:events';
import net from 'node:net';
import { generateEvents } from '../support/events.ts';
import { serveLoad } from './child.ts';

export interface SyslogOptions {
  readonly port: number;
  readonly rows: number;
  readonly seed: number;
}

const linesPerWrite = 100;

/** Lines of syslog with an event as JSON each, over TCP, as fast as they are taken. */
await serveLoad(async ({ port, rows, seed }: SyslogOptions) => {
  const time = new Date().toISOString();
  const head = `<134>1 ${time} localhost bench - - - @cee: `;
  const lines = generateEvents(linesPerWrite, seed).map(
    (event) => `${head}${JSON.stringify(event)}\n`,
  );
  const socket = net.connect({ port, host: '127.0.0.1' });
  await once(socket, 'connect');
  return async () => {
    for (let left = rows; left > 0; left -= linesPerWrite) {
      if (!socket.write(lines.slice(0, left).join(''))) await once(socket, 'drain');
    }
    socket.end();
    await once(socket, 'close');
    return {};
  };
});
