import type { Message } from '@bufbuild/protobuf';
import { ServiceError } from '../errors.ts';
import { parseRfc3339 } from '../records/rfc3339.ts';

/** PostgreSQL cannot even be asked for a text with NUL in it. */
export function checkTexts(request: object): void {
  for (const [name, value] of Object.entries(request)) {
    for (const each of Array.isArray(value) ? value : [value]) {
      if (isMessage(each)) checkTexts(each);
      if (typeof each !== 'string' || !each.includes('\0')) continue;
      const field = name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
      throw new ServiceError('invalid', `${field} contains NUL`, { field });
    }
  }
}

const isMessage = (value: unknown): value is Message =>
  typeof value === 'object' && value !== null && '$typeName' in value;

/** A time of a query, as a google.protobuf.Timestamp holds it. */
export function readTime(field: string, value: unknown) {
  const instant = typeof value === 'string' ? parseRfc3339(value) : undefined;
  if (instant) return { seconds: BigInt(instant.seconds), nanos: instant.nanos };
  const shown = JSON.stringify(value);
  const reason = `is ${shown}, not an RFC 3339 time with zone, such as 2026-01-31T10:00:00Z`;
  throw new ServiceError('invalid', `${field} ${reason}`, { field });
}
