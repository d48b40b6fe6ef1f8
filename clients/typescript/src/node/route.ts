import http from 'node:http';
import https from 'node:https';
import type { Duplex } from 'node:stream';
import tls, { type ConnectionOptions } from 'node:tls';
import { connectMsMax } from '../transport.ts';
import { proxyOf } from './proxy.ts';
import type { Tls } from './tls-files.ts';

/** How requests to one address go: straight, through a proxy, or through a tunnel of one. */
export interface Route {
  readonly agent: http.Agent;
  /** Begins a request to the URL. */
  start(url: string, options: http.RequestOptions): http.ClientRequest;
}

/** Throws where there is no way. */
export function routeTo(url: string, tlsOptions: Tls): Route {
  const to = new URL(url);
  const proxy = proxyOf(to, process.env);
  if (to.protocol === 'https:') {
    const agent = proxy ? new TunnelAgent(proxy, tlsOptions) : new SecureAgent(tlsOptions);
    return { agent, start: (each, more) => https.request(each, { ...more, agent }) };
  }
  if (!proxy) {
    const agent = new http.Agent({ keepAlive: true });
    return { agent, start: (each, more) => http.request(each, { ...more, agent }) };
  }
  return throughProxy(proxy);
}

/** Without TLS a proxy is told the whole address. */
function throughProxy(proxy: URL): Route {
  const { Agent, request } = proxy.protocol === 'https:' ? https : http;
  const agent = new Agent({ keepAlive: true });
  return {
    agent,
    start: (url, options) => {
      const headers = { ...options.headers, host: new URL(url).host, ...credentials(proxy) };
      return request({ ...addressOf(proxy), ...options, headers, path: url, agent });
    },
  };
}

/** Looks for certificates at each connection. */
class SecureAgent extends https.Agent {
  readonly tls: Tls;

  constructor(tlsOptions: Tls) {
    // Not every run time asks an agent for connections.
    super({ keepAlive: true, ...tlsOptions() });
    this.tls = tlsOptions;
  }

  override createConnection(
    options: https.RequestOptions,
    done?: (error: Error | null, socket: Duplex) => void,
  ): Duplex | null | undefined {
    return super.createConnection({ ...options, ...this.tls() }, done);
  }
}

/** With TLS a proxy only passes bytes on. */
class TunnelAgent extends SecureAgent {
  readonly #proxy: URL;

  constructor(proxy: URL, tlsOptions: Tls) {
    super(tlsOptions);
    this.#proxy = proxy;
  }

  override createConnection(
    options: https.RequestOptions,
    done?: (error: Error | null, socket: Duplex) => void,
  ): undefined {
    const { request } = this.#proxy.protocol === 'https:' ? https : http;
    const host = `${options.host}:${options.port}`;
    const connect = request({
      ...addressOf(this.#proxy),
      method: 'CONNECT',
      path: host,
      headers: { host, ...credentials(this.#proxy) },
      timeout: connectMsMax,
      agent: false,
    });
    const fail = (error: Error) => done?.(error, undefined as unknown as Duplex);
    connect.once('socket', (socket) => socket.unref());
    connect.once('timeout', () => connect.destroy(new Error('the proxy does not answer')));
    connect.on('error', fail);
    connect.once('connect', ({ statusCode }, socket) => {
      if (statusCode !== 200) {
        socket.destroy();
        fail(new Error(`the proxy answers ${statusCode}`));
      } else
        done?.(null, tls.connect({ ...(options as ConnectionOptions), ...this.tls(), socket }));
    });
    connect.end();
  }
}

function addressOf({ protocol, hostname, port }: URL): http.RequestOptions {
  const host = hostname.replace(/^\[|\]$/g, '');
  return { protocol, host, port: port || (protocol === 'https:' ? 443 : 80) };
}

function credentials({ username, password }: URL): Record<string, string> {
  if (!username) return {};
  const text = `${decodeURIComponent(username)}:${decodeURIComponent(password)}`;
  return { 'proxy-authorization': `Basic ${Buffer.from(text).toString('base64')}` };
}
