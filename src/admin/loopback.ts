import { BlockList, isIP } from 'node:net';

/** Whether nobody but this machine reaches what listens on an address or a host's name. */
export function isLoopback(host: string): boolean {
  if (isIP(host) === 0) return /^(.+\.)?localhost$/i.test(host);
  const loopback = new BlockList();
  loopback.addSubnet('127.0.0.0', 8, 'ipv4');
  loopback.addAddress('::1', 'ipv6');
  return loopback.check(host, isIP(host) === 4 ? 'ipv4' : 'ipv6');
}
