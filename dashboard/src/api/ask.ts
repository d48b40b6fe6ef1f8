import type { MessageInitShape } from '@bufbuild/protobuf';
import { type Timestamp, timestampFromMs, timestampMs } from '@bufbuild/protobuf/wkt';
import {
  type AnswerSource,
  AnswerSource_Kind as Kind,
} from '../../../gen/typescript/gravitas/telemetry/v1/answer_pb.js';
import type { TimeRangeSchema } from '../../../gen/typescript/gravitas/telemetry/v1/question_pb.js';
import { integer, narrow } from '../format.ts';
import { rangeAt, rangeName, type Span } from '../state/range.ts';
import { zone } from '../state/zone.ts';
import { clock, day } from '../times.ts';

/** How questions and answers say times. */
export type Range = MessageInitShape<typeof TimeRangeSchema>;

export const msOf = (time: Timestamp | undefined): number | undefined => time && timestampMs(time);

export const rangeOf = ({ from, to }: Span): Range => ({
  startTime: timestampFromMs(from),
  endTime: timestampFromMs(to),
  timeZone: zone.value,
});

/** What names the range that is looked at, for questions that move with the time. */
export const rangeKey = (): string => `${rangeName()} ${zone.value}`;

/** A long range changes slowly, and costs more. */
export function refreshMsOf(): number {
  const { from, to } = rangeAt(Date.now());
  const hours = (to - from) / 3_600_000;
  return hours <= 1 ? 5000 : hours <= 24 ? 15_000 : 60_000;
}

const kinds: Readonly<Record<Kind, string>> = {
  [Kind.UNSPECIFIED]: '',
  [Kind.ROWS]: 'from rows',
  [Kind.ROLLUPS]: 'from rollups',
  [Kind.ROLLUPS_AND_ROWS]: 'from rollups, edges from rows',
};

/** Which way the answer came, in words. */
export function sourceWords(source: AnswerSource | undefined): string {
  if (!source) return '';
  const { kind, durationMs, notes } = source;
  const took = `${integer(Math.max(1, durationMs))}${narrow}ms`;
  return [kinds[kind], took, roundedWords(source), ...notes.map(({ message }) => message)]
    .filter(Boolean)
    .join(' · ');
}

/** The bounds of an answer that are not those that were asked for. */
function roundedWords({ rounded, startTime, endTime }: AnswerSource): string {
  const [from, to] = [msOf(startTime), msOf(endTime)];
  if (!rounded || from === undefined) return '';
  const until = to === undefined ? '' : ` to ${day(to)}, ${clock(to)}`;
  return `whole quarter hours, ${day(from)}, ${clock(from)}${until}`;
}
