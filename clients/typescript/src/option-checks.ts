import type { TelemetryOptions } from './options.ts';

/** Gives the value to use; throws a text that says what it must be. */
type Check = (value: unknown) => unknown;

const mebibyte = 1024 * 1024;

/** Those of every platform (clause 7). */
const checks: Readonly<Record<string, Check>> = {
  url: readUrl,
  enabled: ofType('boolean'),
  token: readToken,
  headers: readHeaders,
  serviceName: text,
  resource: object,
  transport: oneOf('http', 'grpc'),
  spoolDirectory: path,
  spoolBytesMax: whole(1024, mebibyte * mebibyte),
  queueEventsMax: whole(1, 10_000_000),
  batchEventsMax: whole(1, 10_000),
  batchBytesMax: whole(1024, mebibyte),
  batchAgeMsMax: number(1, 60_000),
  closeTimeoutS: number(0, 3600),
  beforeSend: ofType('function'),
  logger: readLogger,
};

/**
 * Options as they are used: texts without white space around them. Throws a TypeError that names
 * the option, and never gives the value away where it may be a secret.
 */
export function checkOptions<T extends TelemetryOptions>(
  options: T,
  more: Readonly<Record<string, Check>>,
): T {
  if (typeof options !== 'object' || options === null) {
    throw new TypeError('the options must be an object');
  }
  const checked: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(options)) {
    const check = isOption(name, more) ? (more[name] ?? checks[name]) : undefined;
    if (!check) throw new TypeError(`there is no option ${name}`);
    if (value === undefined || value === null) continue;
    try {
      checked[name] = check(value);
    } catch (reason) {
      throw new TypeError(`the option ${name} ${reason}`);
    }
  }
  return checked as T;
}

export const isOption = (name: string, more: Readonly<Record<string, Check>>): boolean =>
  Object.hasOwn(checks, name) || Object.hasOwn(more, name);

function fail(reason: string): never {
  throw reason;
}

function ofType(type: string): Check {
  return (value) => (typeof value === type ? value : fail(`must be a ${type}`));
}

export function object(value: unknown): unknown {
  const isObject = typeof value === 'object' && !Array.isArray(value);
  return isObject ? value : fail('must be an object');
}

function text(value: unknown): string {
  return typeof value === 'string' ? value.trim() : fail('must be a string');
}

export function path(value: unknown): string {
  const given = text(value);
  return given !== '' && !given.includes('\0') ? given : fail('must be a path');
}

export function oneOf(...known: string[]): Check {
  return (value) => {
    const given = text(value);
    return known.includes(given) ? given : fail(`must be one of ${known.join(', ')}`);
  };
}

function number(least: number, most: number): Check {
  return (value) => {
    const isWithin = typeof value === 'number' && value >= least && value <= most;
    return isWithin ? value : fail(`must be a number from ${least} to ${most}`);
  };
}

function whole(least: number, most: number): Check {
  const isWithin = number(least, most);
  return (value) =>
    Number.isInteger(value)
      ? isWithin(value)
      : fail(`must be a whole number from ${least} to ${most}`);
}

/** Without slashes at its end, and doubled ones in its path. */
export function readUrl(value: unknown): string {
  const given = text(value);
  if (/[\s\\]/.test(given)) fail('must have no blanks and no backslashes inside');
  const url = URL.canParse(given) ? new URL(given) : fail('must be a URL');
  if (!/^https?:$/.test(url.protocol) || !/^https?:\/\//i.test(given)) {
    fail('must begin with http:// or https://');
  }
  if (url.search || url.hash) fail('must have no query and no fragment');
  url.pathname = url.pathname.replace(/\/{2,}/g, '/');
  return url.href.replace(/\/+$/, '');
}

/** A header can't carry anything else; the value is never part of a message. */
export function readToken(value: unknown): string {
  const token = text(value);
  return /^[\x21-\x7e]*$/.test(token) ? token : fail('must be of printable ASCII without blanks');
}

function readHeaders(value: unknown): Record<string, string> {
  const headers: Record<string, string> = {};
  // Those of fetch, a Map and the like have no entries of their own.
  if (Symbol.iterator in (object(value) as object)) fail('must be an object of names and texts');
  for (const [name, given] of Object.entries(value as object)) {
    if (!/^[\w!#$%&'*+.^`|~-]+$/.test(name)) fail('must have names of headers');
    const content = typeof given === 'string' ? given.trim() : fail('must have texts as values');
    if (!/^[\t\x20-\x7e\xa0-\xff]*$/.test(content))
      fail(`must have no control characters (${name})`);
    headers[name] = content;
  }
  return headers;
}

function readLogger(value: unknown): unknown {
  const { info, warn } = value as { info?: unknown; warn?: unknown };
  const fits = typeof info === 'function' && typeof warn === 'function';
  return fits ? value : fail('must have the functions info and warn');
}
