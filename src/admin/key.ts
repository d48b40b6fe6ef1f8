import { hash, randomBytes } from 'node:crypto';
import { ServiceError } from '../errors.ts';
import { anybody, type Scope } from '../serve/caller.ts';

/** What a key may use of what all share; undefined: as much as there is. */
export interface KeyLimits {
  readonly recordsPerSecond?: number | undefined;
  /** Of encoded rows. */
  readonly bytesPerSecond?: number | undefined;
  /** Of the bytes that the buffer holds, from 0 to 1. */
  readonly bufferShare?: number | undefined;
  /** Of the connections for queries and their time, from 0 to 1. */
  readonly queryShare?: number | undefined;
}

/** One secret, and whose it is: a name may have two, so that its clients can change from one to the other. */
export interface Key {
  /** Of this secret; it may be known to everybody. */
  readonly id: string;
  readonly name: string;
  /** SHA-256 of the secret, in base64. It has 256 random bits: nothing slower would protect it better. */
  readonly digest: string;
  readonly scopes: readonly Scope[];
  readonly source: 'database' | 'file' | 'environment';
  readonly createdAt?: Date | undefined;
  readonly expiresAt?: Date | undefined;
  readonly revokedAt?: Date | undefined;
  readonly lastUsedAt?: Date | undefined;
  /** The subject or the fingerprint of a client certificate that stands for the secret. */
  readonly certificate?: string | undefined;
  readonly limits: KeyLimits;
}

const prefix = 'gt';
const idBytes = 6;
const secretBytes = 32;
const tokenPattern = /^gt_([0-9a-f]{12})_[A-Za-z0-9_-]{43}$/;

/** A new secret, which nobody but its caller gets to see, and what is kept of it. */
export function newSecret(): { readonly token: string; readonly id: string; digest: string } {
  const id = randomBytes(idBytes).toString('hex');
  const token = `${prefix}_${id}_${randomBytes(secretBytes).toString('base64url')}`;
  return { token, id, digest: digestOf(token) };
}

export const digestOf = (token: string): string => hash('sha256', token, 'base64');

/** What of a token may be logged: the id of one that looks like ours. */
export const idOf = (token: string): string | undefined => tokenPattern.exec(token)?.[1];

export type KeyState = 'active' | 'expired' | 'revoked';

export function stateOf({ revokedAt, expiresAt }: Key, nowMs = Date.now()): KeyState {
  if (revokedAt) return 'revoked';
  return expiresAt && expiresAt.getTime() <= nowMs ? 'expired' : 'active';
}

/** Fit for a log, a label and a line of a table. */
const namePattern = /^[A-Za-z0-9][A-Za-z0-9._@-]{0,63}$/;

/** Throws a `ServiceError` for what is no name of a key. */
export function checkName(name: string): string {
  if (namePattern.test(name) && name !== anybody.name) return name;
  throw invalid(
    'name',
    'expects 1 to 64 letters, digits, dots, dashes and underscores, and not "anonymous"',
  );
}

export const invalid = (field: string, reason: string) =>
  new ServiceError('invalid', `${field} ${reason}`, { field });
