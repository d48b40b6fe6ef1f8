/** Everything that can be refused, and why: the closed set that each protocol's errors are mapped from. */
export type ErrorKind =
  /** The request is wrong and stays wrong; `field` names what is at fault. */
  | 'invalid'
  /** The id was used before, with other content. */
  | 'conflict'
  /** Nobody knows who asks. */
  | 'unauthenticated'
  /** Whoever asks may not do that. */
  | 'forbidden'
  /** There is nothing of that name. */
  | 'notFound'
  /** There is no such method, or not in that form. */
  | 'unimplemented'
  /** The caller's own deadline has passed. */
  | 'deadline'
  /** Larger than a message may be: sent again as it is, it would be refused again. */
  | 'tooLarge'
  /** No room at the moment: try again after `retryDelayMs`. */
  | 'overloaded'
  /** A dependency failed, or the outcome is not known: try again, with the same id, after `retryDelayMs`. */
  | 'retryable'
  /** The database will not take it, however often it is sent. */
  | 'permanent'
  | 'shuttingDown'
  /** A fault of ours, which the log has with its stack. */
  | 'internal';

/** What is worth a retry, and after what time unless somebody knows better. */
const worthRetry: readonly ErrorKind[] = ['overloaded', 'retryable', 'shuttingDown'];
export const retryDelayMs = 1000;

export interface ServiceErrorDetails {
  readonly field?: string;
  readonly retryDelayMs?: number;
  readonly cause?: unknown;
}

export class ServiceError extends Error {
  override readonly name = 'ServiceError';
  readonly kind: ErrorKind;
  readonly field: string | undefined;
  readonly retryDelayMs: number | undefined;

  constructor(kind: ErrorKind, message: string, details: ServiceErrorDetails = {}) {
    super(message, { cause: details.cause });
    this.kind = kind;
    this.field = details.field || undefined;
    const delayMs = details.retryDelayMs ?? (worthRetry.includes(kind) ? retryDelayMs : undefined);
    // Whole, as it is told: clocks give fractions.
    this.retryDelayMs = delayMs && Math.ceil(delayMs);
  }
}

/** `field` is what the caller knows the id as. */
export const conflict = (id: string, field: string) =>
  new ServiceError('conflict', `${field} ${id} was used before, with other content`, { field });

/** For logs, and for whoever is at the keyboard of this machine. */
export function errorMessage(error: unknown): string {
  // Of a host with several addresses: the error says nothing, those in it do.
  if (error instanceof AggregateError && error.message === '') {
    return [...new Set(error.errors.map(errorMessage))].join('; ');
  }
  return error instanceof Error ? error.message : String(error);
}

/** The same, with what an error for everybody leaves out. */
export function wholeMessage(error: unknown): string {
  const message = errorMessage(error);
  const cause = error instanceof Error && error.cause ? errorMessage(error.cause) : '';
  return message.includes(cause) ? message : `${message}: ${cause}`;
}

/** For everybody: where our files and our database are is nobody's business. */
export function toldMessage(error: unknown): string {
  if (error instanceof AggregateError) {
    return [...new Set(error.errors.map(toldMessage))].join('; ');
  }
  if (!(error instanceof Error)) return 'it failed';
  // Of the system or of TLS: the message names the path or the host.
  const { code, syscall } = error as NodeJS.ErrnoException;
  if (error instanceof ServiceError || typeof code !== 'string') return error.message;
  return syscall ? `${syscall} ${code}` : code;
}

/**
 * What ends the start: the configuration, the machine or the database is such that a person has to
 * act. The message is all that they need, in one sentence.
 */
export class StartError extends Error {
  override readonly name = 'StartError';
}
