import { timingSafeEqual } from 'node:crypto';
import { ServiceError } from '../errors.ts';
import {
  anybody,
  type Caller,
  type Callers,
  type Credentials,
  type Endable,
  type Scope,
} from '../serve/caller.ts';
import { tokenOf } from '../serve/credentials.ts';
import { certificateNames } from '../serve/peer-certificate.ts';
import { RequestError } from '../serve/request-error.ts';
import { type FailedAttempts, unauthenticated } from './failed-attempts.ts';
import { Holder } from './holder.ts';
import { digestOf, idOf, type Key, stateOf } from './key.ts';
import { type KeyActivity, KeyUse, type Shared } from './key-use.ts';
import { isForInternet } from './loopback.ts';

/** Who may do what without a key. */
export interface AnonymousRule {
  /** `auto`: everything, on loopback, as long as there has never been a key. */
  readonly scopes: readonly Scope[] | 'auto';
  readonly isLoopback: boolean;
}

/** Part of a digest, by which a key is found; all of it is then compared in constant time. */
const locatorCharacters = 12;
const locatorOf = (digest: string): string => digest.slice(0, locatorCharacters);

/** All keys as the gate knows them, whatever becomes of the database: who a caller is, and may do. */
export class KeyRing implements Callers {
  readonly #anonymous: Caller & { readonly allowance: KeyUse };
  readonly #rule: AnonymousRule;
  readonly #attempts: FailedAttempts;
  readonly #shared: Shared;
  readonly #uses = new Map<string, KeyUse>();
  #byLocator = new Map<string, Holder>();
  #byCertificate = new Map<string, Holder>();
  /**
   * Secrets that were right a moment ago, so that not each request costs a hash. Only what has the
   * same seeded hash as one of them is compared with it: how long that takes tells nothing.
   */
  readonly #recent = new Map<string, Holder>();
  #isKnown = false;
  /** There has been a key: nobody who has none becomes everybody's equal again. */
  #hasHadKeys = false;
  readonly #presented = Buffer.alloc(digestOf('').length);

  constructor(rule: AnonymousRule, attempts: FailedAttempts, shared: Shared) {
    this.#rule = rule;
    this.#attempts = attempts;
    this.#shared = shared;
    const use = this.#useOf(anybody.name);
    const allowed = new Set(rule.scopes === 'auto' ? [] : rule.scopes);
    this.#anonymous = { name: use.name, scopes: allowed, allowance: use, streams: new Set() };
  }

  /** Whether a key has ever been known. */
  get hasHadKeys(): boolean {
    return this.#hasHadKeys;
  }

  get uses(): readonly KeyUse[] {
    return [...this.#uses.values()];
  }

  /** The keys that are not the database's. */
  get given(): readonly Key[] {
    return [...this.#byLocator.values()]
      .map(({ key }) => key)
      .filter(({ source }) => source !== 'database');
  }

  /** When each key was used last, of those that were. */
  get lastUses(): Map<string, Date> {
    const used = [...this.#byLocator.values()].filter(({ lastUsedMs }) => lastUsedMs > 0);
    return new Map(used.map(({ key, lastUsedMs }) => [key.id, new Date(lastUsedMs)]));
  }

  /** What the callers of each name do and may. */
  get activities(): readonly KeyActivity[] {
    return this.uses.map((use) => {
      const holders = [...this.#byLocator.values()].filter(({ name }) => name === use.name);
      const own = use === this.#anonymous.allowance ? [this.#anonymous] : holders;
      return {
        use,
        scopes: [...new Set(own.flatMap(({ scopes }) => [...scopes]))],
        streams: own.reduce((sum, { streams }) => sum + streams.size, 0),
        lastUsedMs: Math.max(0, ...holders.map(({ lastUsedMs }) => lastUsedMs)),
      };
    });
  }

  /** When any key of a name was used last. */
  lastUseOf(name: string): number {
    const ofName = [...this.#byLocator.values()].filter((holder) => holder.name === name);
    return Math.max(0, ...ofName.map(({ lastUsedMs }) => lastUsedMs));
  }

  /** Takes the place of all that was known; streams of keys that are no longer valid end. */
  replace(keys: readonly Key[]): void {
    const before = this.#byLocator;
    const [byLocator, byCertificate] = [new Map<string, Holder>(), new Map<string, Holder>()];
    for (const key of keys) {
      const locator = locatorOf(key.digest);
      const use = this.#useOf(key.name);
      if (stateOf(key) === 'active') use.limits = key.limits;
      const holder = new Holder(key, use, before.get(locator));
      byLocator.set(locator, holder);
      if (key.certificate && stateOf(key) === 'active') byCertificate.set(key.certificate, holder);
      before.delete(locator);
    }
    this.#recent.clear();
    this.#byLocator = byLocator;
    this.#byCertificate = byCertificate;
    this.#isKnown = true;
    if (keys.length > 0 && !this.#hasHadKeys) {
      this.#hasHadKeys = true;
      if (this.#rule.scopes === 'auto') endAll(this.#anonymous.streams, 'a key is needed now');
    }
    const names = new Set([anybody.name, ...keys.map(({ name }) => name)]);
    for (const name of this.#uses.keys()) if (!names.has(name)) this.#uses.delete(name);
    for (const { streams } of before.values()) endAll(streams, 'the key was revoked');
    this.endStreams();
  }

  /** Ends the streams of keys that were revoked or have expired. */
  endStreams(nowMs = Date.now()): void {
    for (const { streams, endsAtMs } of this.#byLocator.values()) {
      if (streams.size > 0 && endsAtMs <= nowMs) {
        endAll(streams, endsAtMs === 0 ? 'the key was revoked' : 'the key has expired');
      }
    }
  }

  identify(request: Credentials, scope: Scope): Caller | ServiceError {
    const token = tokenOf(request.headers);
    if (token === undefined) return this.#withoutToken(request, scope);
    const holder = this.#find(token);
    if (holder) return admitted(holder, scope);
    if (this.#isOpen) return this.#admitOpen(request, scope);
    if (!this.#isKnown) return keysUnknown();
    const address = request.socket.remoteAddress ?? '';
    return this.#attempts.fail(address, 'the key is not valid', idOf(token));
  }

  #find(token: string): Holder | undefined {
    const known = this.#recent.get(token);
    if (known) return known;
    const digest = digestOf(token);
    const holder = this.#byLocator.get(locatorOf(digest));
    if (!holder) return undefined;
    this.#presented.write(digest, 'latin1');
    if (!timingSafeEqual(this.#presented, holder.digest)) return undefined;
    this.#recent.set(token, holder);
    return holder;
  }

  #withoutToken(request: Credentials, scope: Scope): Caller | ServiceError {
    if (this.#byCertificate.size > 0) {
      for (const name of certificateNames(request)) {
        const holder = this.#byCertificate.get(name);
        if (holder) return admitted(holder, scope);
      }
    }
    if (this.#anonymous.scopes.has(scope)) return this.#admitAnonymous();
    if (this.#isOpen) return this.#admitOpen(request, scope);
    if (!this.#isKnown) return keysUnknown();
    return unauthenticated(
      `a key with the scope ${scope} is needed, in Authorization: Bearer or x-api-key`,
    );
  }

  /** Nobody has made a key yet, and nobody but this machine can call. */
  get #isOpen(): boolean {
    return this.#rule.scopes === 'auto' && this.#rule.isLoopback && !this.#hasHadKeys;
  }

  /** No page of the internet that has its name lead here makes itself a key. */
  #admitOpen({ headers }: Credentials, scope: Scope): Caller | ServiceError {
    return scope === 'admin' && isForInternet(headers) ? keyForInternet() : this.#admitAnonymous();
  }

  #admitAnonymous(): Caller {
    this.#anonymous.allowance.requests += 1;
    return this.#anonymous;
  }

  #useOf(name: string): KeyUse {
    const use = this.#uses.get(name) ?? new KeyUse(name, this.#shared);
    this.#uses.set(name, use);
    return use;
  }
}

function admitted(holder: Holder, scope: Scope): Caller | ServiceError {
  const nowMs = Date.now();
  if (holder.endsAtMs <= nowMs) {
    const what = holder.endsAtMs === 0 ? 'was revoked' : 'has expired';
    return unauthenticated(`the key ${what}`, 'invalid_token');
  }
  holder.lastUsedMs = nowMs;
  holder.allowance.requests += 1;
  if (holder.scopes.has(scope)) return holder;
  holder.allowance.refusals += 1;
  return new ServiceError('forbidden', `the key ${holder.name} has no scope ${scope}`);
}

function endAll(streams: ReadonlySet<Endable>, text: string): void {
  for (const stream of [...streams]) stream.end(unauthenticated(text, 'invalid_token'));
}

const keyForInternet = () =>
  unauthenticated(
    'to administer by a name of the internet a key is needed: make one on the command line',
  );

const keysUnknown = () =>
  new RequestError('retryable', 'unavailable', 'the keys are not known yet: the database is away');
