import { ServiceError } from '../errors.ts';
import type { TimeWindow } from '../records/validate.ts';
import { dayMs, minuteMs } from '../units.ts';
import { isUuidV7, uuidV7TimeMs } from '../uuid.ts';

/** Throws a `ServiceError` of kind `invalid` for a caller's id that no repetition could be told by. */
export function checkBatchId(
  given: string,
  window: TimeWindow,
  field: string,
  nowMs: number,
): void {
  const invalid = (reason: string) => new ServiceError('invalid', `${field} ${reason}`, { field });
  if (!isUuidV7(given)) throw invalid('is not a UUIDv7');
  const timeMs = uuidV7TimeMs(given);
  if (timeMs < nowMs - window.ageMsMax) {
    throw invalid(
      `is older than ${window.ageMsMax / dayMs} days: a repetition can no longer be told`,
    );
  }
  if (timeMs > nowMs + window.aheadMsMax) {
    throw invalid(
      `is more than ${window.aheadMsMax / minuteMs} minutes ahead of the collector's clock`,
    );
  }
}
