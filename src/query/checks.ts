import { type Timestamp, timestampDate } from '@bufbuild/protobuf/wkt';
import { ServiceError } from '../errors.ts';
import { isInstant, parseRfc3339 } from '../records/rfc3339.ts';

const pageSizeMax = 1000;
const hoursMax = 24 * 366 * 10;

/** 0 stands for the default. */
export function checkPageSize(field: string, size: number): number {
  return checkRange(field, size, pageSizeMax, 0);
}

/** What a deployed client asks for, where more than the most means the most. */
export const clamped = {
  limit: (value: number): number => Math.min(value, pageSizeMax),
  hours: (value: number): number => Math.min(value, hoursMax),
};

export function checkHours(hours: number): number {
  return checkRange('hours', hours, hoursMax, 0);
}

export function checkRange(field: string, value: number, max: number, min = 1): number {
  if (value >= min && value <= max) return value;
  throw new ServiceError('invalid', `${field} is ${value}; it must be from ${min} to ${max}`, {
    field,
  });
}

/** PostgreSQL cannot even be asked for a text with NUL in it. */
export function checkTexts(request: object): void {
  for (const [name, value] of Object.entries(request)) {
    if (typeof value !== 'string' || !value.includes('\0')) continue;
    const field = name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
    throw new ServiceError('invalid', `${field} contains NUL`, { field });
  }
}

export function date(field: string, timestamp: Timestamp | undefined): Date | undefined {
  if (!timestamp) return undefined;
  if (isInstant(timestamp)) return timestampDate(timestamp);
  throw new ServiceError('invalid', `${field} is out of range`, { field });
}

export function latest(a: Date | undefined, b: Date | undefined): Date | undefined {
  if (!a || !b) return a ?? b;
  return a > b ? a : b;
}

/** A time of a query, as a google.protobuf.Timestamp holds it. */
export function readTime(field: string, value: unknown) {
  const instant = typeof value === 'string' ? parseRfc3339(value) : undefined;
  if (instant) return { seconds: BigInt(instant.seconds), nanos: instant.nanos };
  const shown = JSON.stringify(value);
  const reason = `is ${shown}, not an RFC 3339 time with zone, such as 2026-01-31T10:00:00Z`;
  throw new ServiceError('invalid', `${field} ${reason}`, { field });
}
