import { create } from '@bufbuild/protobuf';
import { type Timestamp, TimestampSchema } from '@bufbuild/protobuf/wkt';
import { type RawBuilder, sql } from 'kysely';
import { ServiceError } from '../../errors.ts';
import { isInstant } from '../../records/rfc3339.ts';

/**
 * Times of questions are microseconds since 1970, as PostgreSQL keeps them: numbers hold them
 * exactly for all times that are shown.
 */

export const usOfMs = 1000;
const usOfSecond = 1_000_000;

/** Records of other times, as an older service may have written them, are not shown. */
export const [shownFromUs, shownToUs] = [Date.UTC(1700) * usOfMs, Date.UTC(2250) * usOfMs];

/** Undefined where there is none; throws where it is none. */
export function readInstant(field: string, timestamp: Timestamp | undefined): number | undefined {
  if (!timestamp) return undefined;
  if (!isInstant(timestamp)) {
    throw new ServiceError('invalid', `${field} is out of range`, { field });
  }
  const us = Number(timestamp.seconds) * usOfSecond + Math.floor(timestamp.nanos / 1000);
  return Math.min(shownToUs, Math.max(shownFromUs, us));
}

export function timestampOfUs(us: number): Timestamp {
  const timestamp = create(TimestampSchema);
  const seconds = Math.floor(us / usOfSecond);
  timestamp.seconds = BigInt(seconds);
  timestamp.nanos = (us - seconds * usOfSecond) * 1000;
  return timestamp;
}

/** As PostgreSQL reads it. */
export function instantText(us: number): string {
  const seconds = Math.floor(us / usOfSecond);
  const micros = String(us - seconds * usOfSecond).padStart(6, '0');
  return `${new Date(seconds * 1000).toISOString().slice(0, 19)}.${micros}+00`;
}

export const sqlInstant = (us: number): RawBuilder<Date> => sql`${instantText(us)}::timestamptz`;

/** A time of a row as microseconds since 1970. */
export const usOf = (time: RawBuilder<unknown>): RawBuilder<number> =>
  sql`(extract(epoch from ${time}) * 1000000)::bigint`;
