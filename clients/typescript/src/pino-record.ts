import type { EventFields } from './records.ts';

/** How an application has set pino up, as far as it says so. */
export interface PinoShape {
  /** pino's own option, where it is not `msg`. */
  readonly messageKey?: string | undefined;
  /** pino's own option: what is logged is below this key. */
  readonly nestedKey?: string | undefined;
  /** Names of levels by their numbers. */
  readonly levels?: Readonly<Record<string, string>> | undefined;
}

/** The service takes no longer names. */
const nameBytesMax = 256;
const statusBytesMax = 64;
/** What is less are seconds: as milliseconds it would be of 1973. */
const msMin = 1e11;

/**
 * An event of a record of pino. A record is whatever the application has logged, keys of pino's own
 * included: what isn't as pino writes it stays in the metadata.
 */
export function eventOf(record: Readonly<Record<string, unknown>>, shape: PinoShape): EventFields {
  const { messageKey = 'msg', nestedKey = '', levels = {} } = shape;
  const rest = { ...record };
  const take = <T>(key: string, read: (value: unknown) => T | undefined): T | undefined => {
    const taken = Object.hasOwn(rest, key) ? read(rest[key]) : undefined;
    if (taken !== undefined) delete rest[key];
    return taken;
  };
  take('pid', (value) => typeof value === 'number' || undefined);
  take('hostname', (value) => typeof value === 'string' || undefined);
  const timestamp = take('time', timeMs);
  const status = take('level', (value) => statusOf(value, levels));
  const component = take('name', (value) => shortText(value, nameBytesMax));
  const message = take(messageKey, (value) => value);
  const nested = take(nestedKey, plainObject);
  Object.assign(rest, nested);
  const value = take('value', (given) => (Number.isFinite(given) ? (given as number) : undefined));
  const metadata = message === undefined ? rest : { message, ...rest };
  return { component, value, status, timestamp, metadata };
}

/** The message of a record, where it is text. */
export function messageOf(record: object, { messageKey = 'msg' }: PinoShape): string | undefined {
  const message = (record as Readonly<Record<string, unknown>>)[messageKey];
  return typeof message === 'string' ? message : undefined;
}

/** Of milliseconds, of seconds, and of ISO 8601: pino writes each. */
function timeMs(time: unknown): number | undefined {
  if (typeof time !== 'number' && typeof time !== 'string') return undefined;
  const isNumber = typeof time === 'number' || /^\d+(\.\d+)?$/.test(time);
  const ms = isNumber ? Number(time) : Date.parse(time);
  if (!Number.isFinite(ms) || ms < 0) return undefined;
  return isNumber && ms < msMin ? ms * 1000 : ms;
}

function statusOf(level: unknown, levels: Readonly<Record<string, string>>): string | undefined {
  if (typeof level === 'number') return levelName(levels[level] ?? '') ?? numbered(level);
  return typeof level === 'string' ? levelName(level) : undefined;
}

const levelName = (label: string) =>
  label.toLowerCase() === 'warn' ? 'WARNING' : shortText(label.toUpperCase(), statusBytesMax);

/** Levels as pino numbers them. */
function numbered(level: number): string {
  if (level >= 60) return 'FATAL';
  if (level >= 50) return 'ERROR';
  if (level >= 40) return 'WARNING';
  if (level >= 30) return 'INFO';
  return level >= 20 ? 'DEBUG' : 'TRACE';
}

function shortText(value: unknown, bytesMax: number): string | undefined {
  if (typeof value !== 'string' || value === '') return undefined;
  return Buffer.byteLength(value) <= bytesMax ? value : undefined;
}

const plainObject = (value: unknown) =>
  typeof value === 'object' && value !== null && !Array.isArray(value) ? value : undefined;
