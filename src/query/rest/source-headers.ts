import { timestampDate } from '@bufbuild/protobuf/wkt';
import type { AnswerSource } from '../../../gen/typescript/gravitas/telemetry/v1/answer_pb.js';
import { sourceKinds } from '../ask/source.ts';

const names = new Map(Object.entries(sourceKinds).map(([name, kind]) => [kind, name]));

/** What an answer says of itself: lists have no other place for it. */
export function sourceHeaders(source: AnswerSource | undefined): Record<string, string> {
  if (!source) return {};
  const { kind, asOf, ageMs, notes } = source;
  return {
    'telemetry-source': names.get(kind) ?? '',
    ...(asOf && { 'telemetry-as-of': timestampDate(asOf).toISOString() }),
    ...(ageMs !== undefined && { 'telemetry-age-ms': String(Math.round(ageMs)) }),
    ...(notes.length > 0 && { 'telemetry-notes': notes.map(noteText).join('; ') }),
  };
}

/** A header has no other characters. */
const noteText = ({ field, message }: { field: string; message: string }): string =>
  `${field} ${message}`.replaceAll(/[^\x20-\x7e]/g, '?');
