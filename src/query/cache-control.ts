import { timestampMs } from '@bufbuild/protobuf/wkt';
import type { TimeRange } from '../../gen/typescript/gravitas/telemetry/v1/question_pb.js';
import { hourMs } from '../units.ts';

/** Seconds that an answer may be kept by whoever asked: it changes slowly, and takes long. */
export const keptS = {
  explainUsage: 60,
  getFootprint: 10,
  getTrends: 60,
  listDimensions: 30,
} as const;
/** What has ended so long ago changes by records that come late only. */
const endedMs = 2 * hourMs;
const keptEndedS = 60;

/** How long the answer to a request of a method may be kept, in a header of HTTP. */
export function cacheControl(
  method: string,
  request: { readonly range?: TimeRange | undefined },
): string {
  const { endTime } = request.range ?? {};
  const hasEnded = endTime && timestampMs(endTime) < Date.now() - endedMs;
  const seconds =
    (keptS as Readonly<Record<string, number>>)[method] ?? (hasEnded ? keptEndedS : 0);
  return seconds > 0 ? `private, max-age=${seconds}` : 'private, no-cache';
}
