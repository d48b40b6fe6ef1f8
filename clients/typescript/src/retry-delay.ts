import { fromBinary } from '@bufbuild/protobuf';
import { base64Decode } from '@bufbuild/protobuf/wire';
import { type Duration, durationMs } from '@bufbuild/protobuf/wkt';
import { RetryInfoSchema } from '../gen/google/rpc/error_details_pb.js';

/** No delay is longer, whoever asks for it (clause 3.3). */
export const delayMsMax = 60_000;

const bounded = (ms: number): number | undefined =>
  Number.isNaN(ms) ? undefined : Math.min(Math.max(ms, 0), delayMsMax);

/** Of a Retry-After header: seconds, or an HTTP date. What can't be read is not given. */
export function retryDelayMs(text: string | null | undefined): number | undefined {
  const given = text?.trim() ?? '';
  if (/^[+-]?\d+(\.\d*)?$/.test(given)) return bounded(Number(given) * 1000);
  // Date.parse reads much that is no date: an HTTP date begins with the day's name.
  if (!/^[A-Z][a-z]{2,8},? /.test(given)) return undefined;
  // One of the older forms has no zone: HTTP knows GMT only.
  const at = /\d{4}$/.test(given) ? `${given} GMT` : given;
  return bounded(Date.parse(at) - Date.now());
}

/** Of the details of an error of Connect, as JSON has them. */
export function retryInfoMs(details: unknown): number | undefined {
  if (!Array.isArray(details)) return undefined;
  try {
    const detail = details.find((each) => each?.type === RetryInfoSchema.typeName);
    return (
      detail && retryDurationMs(fromBinary(RetryInfoSchema, base64Decode(detail.value)).retryDelay)
    );
  } catch {
    return undefined;
  }
}

export function retryDurationMs(delay: Duration | undefined): number | undefined {
  return delay && bounded(durationMs(delay));
}
