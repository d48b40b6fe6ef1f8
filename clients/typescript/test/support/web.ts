import { once } from 'node:events';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { rolldown } from 'rolldown';

const packageDirectory = new URL('../..', import.meta.url).pathname;

/** What a bundler for browsers makes of an application that imports the package by its name. */
export async function bundleForBrowsers() {
  const application = await rolldown({
    input: 'application',
    platform: 'browser',
    cwd: packageDirectory,
    plugins: [
      {
        name: 'application',
        resolveId: (id) => (id === 'application' ? `${packageDirectory}application.js` : null),
        load: (id) =>
          id.endsWith('application.js') ? `export * from 'gravitas-telemetry-client';` : null,
      },
    ],
  });
  const { output } = await application.generate({ format: 'iife', name: 'bundled' });
  const [chunk] = output;
  return { code: chunk.code, modules: Object.keys(chunk.modules), imports: chunk.imports };
}

export interface WebServer {
  readonly origin: string;
  stop(): Promise<void>;
}

export interface WebServerOptions {
  readonly to: string;
  readonly code: string;
}

/** Serves a page with the bundle, and passes everything else on to the service. */
export async function startWebServer(options: WebServerOptions): Promise<WebServer> {
  const { to, code } = options;
  const server = http.createServer((request, response) => {
    const { url = '/', method, headers } = request;
    if (url === '/') {
      response.setHeader('content-type', 'text/html').end('<script src="/bundle.js"></script>');
    } else if (url === '/bundle.js') {
      response.setHeader('content-type', 'text/javascript').end(code);
    } else if (url === '/favicon.ico') {
      response.writeHead(404).end();
    } else {
      request.pipe(
        http.request(to + url, { method, headers }, (answer) => {
          response.writeHead(answer.statusCode ?? 502, answer.headers);
          answer.pipe(response);
        }),
      );
    }
    return response;
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
