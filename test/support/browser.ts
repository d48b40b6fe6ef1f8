import { once } from 'node:events';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import chromium from '@sparticuz/chromium';
import { type Browser, chromium as playwright } from 'playwright-core';
import { rolldown } from 'rolldown';

export const launchBrowser = async (): Promise<Browser> =>
  await playwright.launch({
    executablePath: await chromium.executablePath(),
    args: ['--no-sandbox', '--disable-background-networking'],
  });

export interface Site {
  readonly origin: string;
  stop(): Promise<void>;
}

/** Serves a page that has the exports of a module as `bundled`. */
export async function startSite(module: URL): Promise<Site> {
  const bundle = await rolldown({ input: module.pathname, platform: 'browser' });
  const { output } = await bundle.generate({ format: 'iife', name: 'bundled' });
  const server = http.createServer(({ url }, response) => {
    if (url === '/') {
      response.setHeader('content-type', 'text/html').end('<script src="/bundle.js"></script>');
    } else if (url === '/bundle.js') {
      response.setHeader('content-type', 'text/javascript').end(output[0].code);
    } else response.writeHead(404).end();
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    stop: async () => {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}
