import type { JsonObject, JsonValue } from '@bufbuild/protobuf';
import type { Event } from '../../../gen/typescript/gravitas/telemetry/v1/telemetry_pb.js';
import { amount, fixed, narrow, nothing } from '../format.ts';
import { msOf } from './ask.ts';

/** The unit of a type's values. */
interface Unit {
  /** In the head of a table or at an axis, where the rest is known. */
  readonly head: string;
  readonly short: string;
  readonly words: string;
}

const units: Readonly<Record<string, Unit>> = {
  THOUGHT_LATENCY: { head: 'ms', short: 'ms/token', words: 'ms a generated token' },
  LOAD_LATENCY: { head: 's', short: 's', words: 's to load' },
  VRAM_CHECK: { head: 'GB', short: 'GB', words: 'GB free' },
};

/** What a type's values are in: of the well-known ones, or what its name ends with. */
export function unitOf(eventType: string): Unit {
  const known = units[eventType];
  if (known) return known;
  const ending = /_(ms|s|gb|mb|bytes|percent|pct|tokens)$/i.exec(eventType)?.[1]?.toLowerCase();
  const short = { percent: '%', pct: '%', gb: 'GB', mb: 'MB', bytes: 'B' }[ending ?? ''] ?? ending;
  return short
    ? { head: short, short, words: short }
    : { head: '', short: '', words: 'value as it is sent' };
}

/** A value with the unit of its type. */
export function showValue(eventType: string, value: number | undefined): string {
  if (value === undefined) return nothing;
  const { short } = unitOf(eventType);
  return short ? `${amount(value)}${narrow}${short}` : amount(value);
}

/** The same where the type is known. */
export function showPlain(eventType: string, value: number | undefined): string {
  if (value === undefined) return nothing;
  const { head } = unitOf(eventType);
  return head ? `${amount(value)}${narrow}${head}` : amount(value);
}

/** The same for a column that names the unit in its head. */
export const showBare = (value: number | undefined): string =>
  value === undefined ? nothing : Math.abs(value) >= 1000 ? amount(value) : fixed(1)(value);

export const timeOf = (event: { timestamp?: Event['timestamp'] | undefined }): number =>
  msOf(event.timestamp) ?? 0;

export const metadataOf = (event: { metadata?: JsonObject | undefined }): JsonObject =>
  event.metadata ?? {};

/** A number among metadata, also where it is written as text. */
export function numberIn(metadata: JsonObject, name: string): number | undefined {
  const value = metadata[name];
  const number = typeof value === 'string' && value !== '' ? Number(value) : value;
  return typeof number === 'number' && Number.isFinite(number) ? number : undefined;
}

export const textOf = (value: JsonValue): string =>
  typeof value === 'string' ? value : JSON.stringify(value);
