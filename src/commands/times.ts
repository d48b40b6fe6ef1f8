import { StartError } from '../errors.ts';
import { parseRfc3339 } from '../records/rfc3339.ts';
import { dayMs, hourMs, minuteMs } from '../units.ts';

const units: Readonly<Record<string, number>> = { d: dayMs, h: hourMs, m: minuteMs };

/** Before it, RFC 3339 has no times. */
const firstMs = Date.parse('0001-01-01T00:00:00Z');

/** So long before a time. `text`: how it was typed. */
export function agoFrom(endMs: number, ms: number, flag: string, text: string): Date {
  if (endMs - ms >= firstMs) return new Date(endMs - ms);
  throw new StartError(`${flag}: ${JSON.stringify(text)} is longer ago than any time`);
}

/** A time with its zone, a day (midnight UTC), or how long ago. */
export function readTime(flag: string, text: string): Date {
  const [, count, unit] = /^(\d+)([dhm])$/.exec(text) ?? [];
  if (unit) return agoFrom(Date.now(), Number(count) * (units[unit] as number), flag, text);
  const instant = parseRfc3339(/^\d{4}-\d\d-\d\d$/.test(text) ? `${text}T00:00:00Z` : text);
  if (instant) return new Date(Number(instant.seconds) * 1000 + Math.floor(instant.nanos / 1e6));
  throw new StartError(
    `${flag}: ${JSON.stringify(text)} is no time: give 2026-11-01, 2026-11-01T12:00:00Z or 30d`,
  );
}
