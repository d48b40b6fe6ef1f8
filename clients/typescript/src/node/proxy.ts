import { BlockList, isIP } from 'node:net';

type Environment = Readonly<Record<string, string | undefined>>;

/** The proxy that the environment names for a URL (clause 3.7). Throws where it can't be used. */
export function proxyOf(to: URL, env: Environment): URL | undefined {
  const host = to.hostname.replace(/^\[|\]$/g, '').replace(/\.$/, '');
  if (isLoopback(host)) return undefined;
  const named = variable(env, `${to.protocol.slice(0, -1)}_proxy`) || variable(env, 'all_proxy');
  if (!named) return undefined;
  const port = to.port || (to.protocol === 'https:' ? '443' : '80');
  const entries = variable(env, 'no_proxy')
    .toLowerCase()
    .split(/[\s,]+/);
  if (entries.some((entry) => matches(entry, host, port))) return undefined;
  // What stands in the variable may hold a password.
  const text = named.includes('://') ? named : `http://${named}`;
  if (!URL.canParse(text)) throw new Error('the proxy of the environment is no URL');
  const proxy = new URL(text);
  if (/^https?:$/.test(proxy.protocol)) return proxy;
  throw new Error(`proxies of ${proxy.protocol.slice(0, -1)} are not supported`);
}

function variable(env: Environment, name: string): string {
  const upper = name.toUpperCase();
  // In a CGI script that variable is a header of the request.
  const isHeader = upper === 'HTTP_PROXY' && env.REQUEST_METHOD !== undefined;
  return (env[name] ?? (isHeader ? '' : env[upper]) ?? '').trim();
}

function isLoopback(host: string): boolean {
  if (host === 'localhost' || host.endsWith('.localhost')) return true;
  return isWithin(host, '127.0.0.0/8') || isWithin(host, '::1/128');
}

function matches(entry: string, host: string, port: string): boolean {
  const [name, ofPort] = splitPort(entry);
  if (!name || (ofPort && ofPort !== port)) return false;
  if (name === '*') return true;
  if (isIP(host)) return isWithin(host, name);
  const domain = name.replace(/^\*?\.*/, '');
  return domain !== '' && (host === domain || host.endsWith(`.${domain}`));
}

function splitPort(entry: string): [name: string, port: string] {
  const [, bracketed, after = ''] = /^\[(.*?)\]:?(.*)$/.exec(entry) ?? [];
  if (bracketed !== undefined) return [bracketed, after];
  const parts = entry.split(':');
  return parts.length === 2 ? [parts[0] as string, parts[1] as string] : [entry, ''];
}

/** Whether an address is another, or of a network. What is neither has none. */
function isWithin(host: string, network: string): boolean {
  const [address = '', bits] = network.split('/');
  const version = isIP(address);
  const most = version === 4 ? 32 : 128;
  const length = bits === undefined ? most : Number(bits);
  if (!version || !isIP(host) || !(Number.isInteger(length) && length >= 0 && length <= most)) {
    return false;
  }
  const list = new BlockList();
  list.addSubnet(address, length, version === 4 ? 'ipv4' : 'ipv6');
  return list.check(host, isIP(host) === 4 ? 'ipv4' : 'ipv6');
}
