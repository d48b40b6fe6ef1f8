import { timestampDate } from '@bufbuild/protobuf/wkt';
import type { AnswerSource } from '../../../gen/typescript/gravitas/telemetry/v1/answer_pb.js';
import { sourceKinds } from '../ask/source.ts';

const names = new Map(Object.entries(sourceKinds).map(([name, kind]) => [kind, name]));

/**
 * What an answer says of itself: lists have no other place for it. `given`: the names by which the
 * question gave some of its fields.
 */
export function sourceHeaders(
  source: AnswerSource | undefined,
  given: Readonly<Record<string, string>> = {},
): Record<string, string> {
  if (!source) return {};
  const { kind, asOf, ageMs, notes } = source;
  return {
    'telemetry-source': names.get(kind) ?? '',
    ...(asOf && { 'telemetry-as-of': timestampDate(asOf).toISOString() }),
    ...(ageMs !== undefined && { 'telemetry-age-ms': String(Math.round(ageMs)) }),
    ...(notes.length > 0 && { 'telemetry-notes': told(notes, given) }),
  };
}

/** A header has no other characters. */
const told = (notes: AnswerSource['notes'], given: Readonly<Record<string, string>>): string =>
  notes
    .map(({ field, message }) => `${given[field] ?? field} ${message}`)
    .join('; ')
    .replaceAll(/[^\x20-\x7e]/g, '?');
