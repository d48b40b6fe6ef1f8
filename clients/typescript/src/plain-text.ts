import type { Settings } from './options.ts';

const secretHeaders = ['authorization', 'x-api-key', 'cookie'];
const loopback = /^(localhost|.*\.localhost|127(\.\d+){3}|\[::1\])$/;

/** Whether whoever is in between can read what only the service is to know (clause 3.10). */
export function tellsSecrets({ url, headers }: Pick<Settings, 'url' | 'headers'>): boolean {
  if (!URL.canParse(url)) return false;
  const { protocol, hostname } = new URL(url);
  const hasSecrets = Object.keys(headers).some((name) =>
    secretHeaders.includes(name.toLowerCase()),
  );
  return hasSecrets && protocol === 'http:' && !loopback.test(hostname);
}

/** Without what may be a secret. */
export function shownUrl(url: string): string {
  const { origin, pathname } = new URL(url);
  return `${origin}${pathname === '/' ? '' : pathname}`;
}
