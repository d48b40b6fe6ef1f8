import type { Caller, Endable, Scope } from '../serve/caller.ts';
import type { Key } from './key.ts';
import type { KeyUse } from './key-use.ts';

/** A key as the gate has it. */
export class Holder implements Caller {
  readonly key: Key;
  readonly name: string;
  readonly scopes: ReadonlySet<Scope>;
  readonly allowance: KeyUse;
  readonly digest: Buffer;
  readonly streams: Set<Endable>;
  readonly endsAtMs: number;
  lastUsedMs: number;

  constructor(key: Key, use: KeyUse, before: Holder | undefined) {
    this.key = key;
    this.name = key.name;
    this.scopes = new Set(key.scopes);
    this.allowance = use;
    this.digest = Buffer.from(key.digest, 'latin1');
    this.streams = before?.streams ?? new Set();
    this.lastUsedMs = before?.lastUsedMs ?? key.lastUsedAt?.getTime() ?? 0;
    this.endsAtMs = key.revokedAt ? 0 : (key.expiresAt?.getTime() ?? Number.POSITIVE_INFINITY);
  }
}
