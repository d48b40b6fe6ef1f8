import { type ErrorKind, ServiceError, type ServiceErrorDetails } from '../errors.ts';
import type { RefusalReason } from './refusals.ts';

/** What plain HTTP says beside the error. */
export interface HttpDetails {
  /** In place of the status that belongs to the kind. */
  readonly status?: number;
  readonly headers?: Readonly<Record<string, string>>;
}

/** A request is refused by the door itself. */
export class RequestError extends ServiceError {
  /** What it is counted as. */
  readonly reason: RefusalReason;
  readonly http: HttpDetails;

  constructor(
    kind: ErrorKind,
    reason: RefusalReason,
    message: string,
    details: ServiceErrorDetails & HttpDetails = {},
  ) {
    super(kind, message, details);
    this.reason = reason;
    this.http = details;
  }
}
