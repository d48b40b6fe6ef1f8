import type { IncomingHttpHeaders } from 'node:http';

const bearerPattern = /^bearer[ \t]+([^\s,]+)[ \t]*$/i;

/** Where a key is, for Vary: what one caller may have kept is no answer for another one. */
export const keyHeaders = 'authorization, x-api-key';

/** What is longer is no key, and not worth a hash. */
const tokenCharactersMax = 512;

/** What no key is. */
const noToken = '';

/**
 * The key that a request has in `Authorization: Bearer` or `x-api-key`, which metadata of gRPC are
 * too; undefined where it has none, and no key at all where it has something else, or two.
 */
export function tokenOf(headers: IncomingHttpHeaders): string | undefined {
  const { authorization, 'x-api-key': apiKey } = headers;
  if (authorization === undefined) return apiKey === undefined ? undefined : checked(apiKey);
  const bearer = bearerOf(authorization);
  return apiKey === undefined || apiKey === bearer ? checked(bearer) : noToken;
}

/** Nearly everybody writes it like that, and a pattern takes its time. */
const usual = 'Bearer ';
const unusualPattern = /[\s,]/;

function bearerOf(authorization: string): string {
  const rest = authorization.slice(usual.length);
  if (authorization.startsWith(usual) && !unusualPattern.test(rest)) return rest;
  return bearerPattern.exec(authorization)?.[1] ?? noToken;
}

const checked = (token: string | string[]): string =>
  typeof token === 'string' && token.length <= tokenCharactersMax ? token : noToken;
