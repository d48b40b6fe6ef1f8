import type { IncomingHttpHeaders } from 'node:http';
import { BlockList, isIP } from 'node:net';

/** Whether nobody but this machine reaches what listens on an address or a host's name. */
export function isLoopback(host: string): boolean {
  if (isIP(host) === 0) return /^(.+\.)?localhost$/i.test(host);
  const loopback = new BlockList();
  loopback.addSubnet('127.0.0.0', 8, 'ipv4');
  loopback.addAddress('::1', 'ipv6');
  return loopback.check(host, isIP(host) === 4 ? 'ipv4' : 'ipv6');
}

/**
 * Whether a request was sent to a name of the internet. On loopback it then comes by a proxy, or by
 * a page of that name which has it lead to this machine: nobody here would call it so.
 */
export function isForInternet(headers: IncomingHttpHeaders): boolean {
  const host = headers.host ?? headers[':authority'] ?? '';
  const name = /^([^[\]:@]+?)\.?(:\d*)?$/.exec(String(host))?.[1] ?? '';
  return name.includes('.') && isIP(name) === 0 && !isLoopback(name);
}
