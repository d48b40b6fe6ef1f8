import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import http from 'node:http';
import https from 'node:https';
import net, { type AddressInfo } from 'node:net';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { temporaryDirectory } from '../../../test/support/temporary-directory.ts';
import { QueryError, Telemetry, type TelemetryOptions } from '../src/index.ts';
import { proxyOf } from '../src/node/proxy.ts';
import { type ScriptedServer, startScriptedServer } from './support/servers.ts';

/** Clauses 3.6 and 3.7. */
const proxy = 'http://proxy:3128';

describe('3.7 the proxy of an address', () => {
  it.each<[string, Record<string, string>, string | undefined]>([
    ['http://host', {}, undefined],
    ['http://host', { HTTP_PROXY: proxy }, `${proxy}/`],
    ['http://host', { HTTP_PROXY: ' proxy:3128 \n' }, `${proxy}/`],
    ['http://host', { HTTPS_PROXY: proxy }, undefined],
    ['https://host', { HTTPS_PROXY: proxy, ALL_PROXY: 'http://other' }, `${proxy}/`],
    ['https://host', { ALL_PROXY: proxy }, `${proxy}/`],
    ['http://host', { http_proxy: proxy, HTTP_PROXY: 'http://other' }, `${proxy}/`],
    ['http://host', { HTTP_PROXY: proxy, REQUEST_METHOD: 'GET' }, undefined],
    ['http://localhost:1', { HTTP_PROXY: proxy }, undefined],
    ['http://a.localhost', { ALL_PROXY: proxy }, undefined],
    ['http://127.9.9.9', { HTTP_PROXY: proxy }, undefined],
    ['http://[::1]:1', { HTTP_PROXY: proxy }, undefined],
    ['http://[::ffff:127.0.0.1]', { HTTP_PROXY: proxy }, undefined],
    ['http://host', { HTTP_PROXY: proxy, NO_PROXY: '*' }, undefined],
    ['http://host', { HTTP_PROXY: proxy, NO_PROXY: 'other, HOST' }, undefined],
    ['http://a.host', { HTTP_PROXY: proxy, NO_PROXY: 'host' }, undefined],
    ['http://host', { HTTP_PROXY: proxy, NO_PROXY: 'other\thost last' }, undefined],
    ['http://host:81', { HTTP_PROXY: proxy, NO_PROXY: '*:81' }, undefined],
    ['http://host:82', { HTTP_PROXY: proxy, NO_PROXY: '*:81' }, `${proxy}/`],
    ['http://a.host', { HTTP_PROXY: proxy, NO_PROXY: '.host' }, undefined],
    ['http://ahost', { HTTP_PROXY: proxy, NO_PROXY: 'host' }, `${proxy}/`],
    ['http://host:81', { HTTP_PROXY: proxy, NO_PROXY: 'host:81' }, undefined],
    ['http://host:82', { HTTP_PROXY: proxy, NO_PROXY: 'host:81' }, `${proxy}/`],
    ['http://10.1.2.3', { HTTP_PROXY: proxy, NO_PROXY: '10.0.0.0/8' }, undefined],
    ['http://11.1.2.3', { HTTP_PROXY: proxy, NO_PROXY: '10.0.0.0/8' }, `${proxy}/`],
    ['http://[fd00::1]', { HTTP_PROXY: proxy, NO_PROXY: 'fd00::/8' }, undefined],
    ['http://[fd00::1]:81', { HTTP_PROXY: proxy, NO_PROXY: '[fd00::1]:81' }, undefined],
    ['http://host', { HTTP_PROXY: proxy, NO_PROXY: ',,[,10.0.0.0/99,:,//,[::,%' }, `${proxy}/`],
    [
      'http://10.0.0.1',
      { HTTP_PROXY: proxy, NO_PROXY: '10.0.0.0/x,999.1.1.1,/,10.0.0.0/-1' },
      `${proxy}/`,
    ],
  ])('%s, %j', (url, env, expected) => {
    expect(proxyOf(new URL(url), env)?.href).toBe(expected);
  });

  it.each(['socks5://user:s3cret@proxy', 'http://', 's3://proxy'])('can not be %s', (given) => {
    let message = '';
    try {
      proxyOf(new URL('http://host'), { ALL_PROXY: given });
    } catch (error) {
      message = String(error);
    }
    expect(message).toContain('prox');
    expect(message).not.toContain('s3cret');
  });
});

let directory: string;
let service: ScriptedServer;
let cleanups: (() => unknown)[];
beforeEach(async () => {
  directory = temporaryDirectory().path;
  service = await startScriptedServer([{ status: 200 }]);
  cleanups = [() => service.stop(), () => vi.unstubAllEnvs()];
});
afterEach(async () => {
  for (const cleanup of cleanups.reverse()) await cleanup();
});

function client(options: TelemetryOptions): Telemetry {
  const logger = { info: () => {}, warn: () => {} };
  const telemetry = new Telemetry({ spoolDirectory: directory, logger, ...options });
  cleanups.push(() => telemetry.close());
  return telemetry;
}

/** Takes requests and tunnels for whatever name, and leads them to a port of this machine. */
async function startProxy(port: () => number) {
  const seen: string[] = [];
  const server = http.createServer((request, response) => {
    seen.push(`${request.method} ${request.url} ${request.headers['proxy-authorization']}`);
    const { pathname } = new URL(request.url ?? '');
    const { method, headers } = request;
    request.pipe(
      http.request({ port: port(), path: pathname, method, headers }, (answer) => {
        response.writeHead(answer.statusCode ?? 502, answer.headers);
        answer.pipe(response);
      }),
    );
  });
  server.on('connect', (request, socket) => {
    seen.push(`CONNECT ${request.url} ${request.headers['proxy-authorization']}`);
    const target = net.connect(port(), '127.0.0.1', () => {
      socket.write('HTTP/1.1 200 OK\r\n\r\n');
      socket.pipe(target).pipe(socket);
    });
    target.on('error', () => socket.destroy());
    socket.on('error', () => target.destroy());
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  cleanups.push(() => {
    server.closeAllConnections();
    server.close();
  });
  return { address: `127.0.0.1:${(server.address() as AddressInfo).port}`, seen };
}

const credentials = `Basic ${Buffer.from('user:pass').toString('base64')}`;

it('3.7 requests go through the proxy, with its credentials; those of queries too', async () => {
  const { address, seen } = await startProxy(() => Number(new URL(service.url).port));
  vi.stubEnv('HTTP_PROXY', `http://user:pass@${address}`);
  const telemetry = client({ url: 'http://telemetry.test:8002/base' });
  telemetry.log('PROXIED');
  expect(await telemetry.flush(10)).toMatchObject({ delivered: 1 });
  await expect(telemetry.listEvents()).rejects.toThrow(QueryError);
  const path = 'http://telemetry.test:8002/base/gravitas.telemetry.v1';
  expect(seen).toEqual([
    `POST ${path}.IngestService/LogBatch ${credentials}`,
    `POST ${path}.QueryService/ListEvents ${credentials}`,
  ]);
  expect(service.requests[0]?.headers.host).toBe('telemetry.test:8002');
});

it('3.7 with TLS through a tunnel, and never to loopback', async () => {
  const { privateKey, certificate } = selfSigned();
  const secure = https.createServer({ key: privateKey, cert: certificate }, (request, response) => {
    request.pipe(
      http.request(
        service.url + request.url,
        { method: 'POST', headers: request.headers },
        (answer) => {
          response.writeHead(answer.statusCode ?? 502, answer.headers);
          answer.pipe(response);
        },
      ),
    );
  });
  secure.listen(0, '127.0.0.1');
  await once(secure, 'listening');
  cleanups.push(() => {
    secure.closeAllConnections();
    secure.close();
  });
  const { port } = secure.address() as AddressInfo;
  const { address, seen } = await startProxy(() => port);
  vi.stubEnv('https_proxy', `http://user:pass@${address}`);
  const tls = { ca: certificate, servername: 'telemetry.test' };
  for (const url of ['https://telemetry.test', `https://127.0.0.1:${port}`]) {
    const telemetry = client({ url, tls });
    telemetry.log('TUNNELLED');
    expect(await telemetry.flush(10)).toMatchObject({ delivered: 1 });
  }
  expect(seen).toEqual([`CONNECT telemetry.test:443 ${credentials}`]);
});

it.each<[string, Record<string, string>, TelemetryOptions]>([
  [
    'a proxy of another kind',
    { ALL_PROXY: 'socks5://user:s3cret@127.0.0.1:1' },
    { url: 'http://telemetry.test' },
  ],
  [
    'a proxy that is not there',
    { HTTP_PROXY: 'http://user:s3cret@127.0.0.1:9' },
    { url: 'http://telemetry.test' },
  ],
  [
    'a proxy that is not there, with TLS',
    { HTTPS_PROXY: 'http://127.0.0.1:9' },
    { url: 'https://telemetry.test' },
  ],
  [
    'a certificate that is none',
    {},
    { url: 'https://127.0.0.1:9', tls: { ca: 'none', cert: 'x', key: 'y' } },
  ],
  [
    'gRPC and a proxy of another kind',
    { ALL_PROXY: 'socks5://x' },
    { url: 'http://telemetry.test', transport: 'grpc' },
  ],
])('3.6 is an outage: %s', async (_, env, options) => {
  for (const [name, value] of Object.entries(env)) vi.stubEnv(name, value);
  const warnings: string[] = [];
  const logger = { info: () => {}, warn: (text: string) => warnings.push(text) };
  const telemetry = client({ ...options, logger });
  telemetry.log('KEPT');
  expect(await telemetry.flush(20)).toMatchObject({ complete: true, spooled: 1 });
  await expect(telemetry.listEvents()).rejects.toThrow(QueryError);
  const [name = ''] = readdirSync(directory);
  expect(readFileSync(join(directory, name), 'utf8')).toContain('KEPT');
  expect(warnings).toHaveLength(1);
  expect(warnings.join()).not.toContain('s3cret');
});

function selfSigned() {
  const path = temporaryDirectory().path;
  const [key, cert] = [join(path, 'key.pem'), join(path, 'cert.pem')];
  const subject = ['-subj', '/CN=telemetry.test', '-addext', 'subjectAltName=DNS:telemetry.test'];
  const kind = ['-x509', '-newkey', 'rsa:2048', '-nodes', '-days', '2'];
  execFileSync('openssl', ['req', ...kind, ...subject, '-keyout', key, '-out', cert], {
    stdio: 'ignore',
  });
  return { privateKey: readFileSync(key, 'utf8'), certificate: readFileSync(cert, 'utf8') };
}
