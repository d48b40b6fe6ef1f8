import { channel } from 'node:diagnostics_channel';
import type { IncomingHttpHeaders } from 'node:http';

/** What is told to whoever listens, as it ends: nobody does unless traces are wanted. */
export interface AnsweredRequest {
  readonly route: string;
  readonly method?: string | undefined;
  /** `ok`, the code of its error, or another status of HTTP. */
  readonly code: string;
  readonly headers: IncomingHttpHeaders;
  readonly ms: number;
}

export interface CommittedGroup {
  readonly source: 'callers' | 'spool';
  readonly batches: number;
  readonly rows: number;
  readonly ms: number;
  /** Why it was not stored. */
  readonly error?: unknown;
}

export const answeredRequests = channel('gravitas-telemetry:request');
export const committedGroups = channel('gravitas-telemetry:commit');
