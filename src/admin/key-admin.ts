import type { Kysely, Transaction } from 'kysely';
import type { Database } from '../database/schema.ts';
import { ServiceError } from '../errors.ts';
import { classifyDatabaseError } from '../postgres/sqlstate.ts';
import type { Audit } from './audit.ts';
import { checkCertificate } from './given-keys.ts';
import { checkName, invalid, type Key, type KeyLimits, newSecret, stateOf } from './key.ts';
import { checkLimits, checkScopes } from './key-checks.ts';
import { insertKey, lockKeys, readKeys, revokeKeys } from './key-store.ts';

/** Of one name, so that its clients can change from one to the other. */
const liveSecretsMax = 2;
const liveKeysMax = 10_000;

export interface NewKey {
  readonly name: string;
  readonly scopes: readonly string[];
  readonly expiresAt?: Date | undefined;
  readonly certificate?: string;
  readonly limits?: KeyLimits;
}

export interface MadeKey {
  readonly key: Key;
  /** Shown this once. */
  readonly secret: string;
}

type Who = { readonly name: string };

/** What operators do with keys, by the API or on the command line. Throws `ServiceError`. */
export class KeyAdmin {
  readonly #db: Kysely<Database>;
  readonly #audit: Audit;
  /** Tells the collector that something has changed. */
  readonly #onChanged: () => Promise<void>;

  constructor(db: Kysely<Database>, audit: Audit, onChanged = async () => {}) {
    this.#db = db;
    this.#audit = audit;
    this.#onChanged = onChanged;
  }

  /** Every key of the database that there is or was. */
  async list(): Promise<Key[]> {
    return await readKeys(this.#db).catch((error) => {
      throw unanswered(error);
    });
  }

  /** A key of a name that no other has. */
  async create(who: Who, wanted: NewKey): Promise<MadeKey> {
    const { name, expiresAt, certificate = '', limits = {} } = wanted;
    checkName(name);
    checkFuture(expiresAt);
    const details = {
      scopes: checkScopes(wanted.scopes),
      limits: checkLimits(limits),
      certificate: checkCertificate(certificate),
    };
    return await this.#change(async (trx, live) => {
      if (live.some((key) => key.name === name)) {
        const text = `name ${name} has a key already: rotate it, or revoke it first`;
        throw new ServiceError('conflict', text, { field: 'name' });
      }
      if (live.length >= liveKeysMax) {
        throw new ServiceError('permanent', `there are ${liveKeysMax} keys; that is the limit`);
      }
      return await this.#insert(trx, who, 'key created', { ...details, name, expiresAt });
    });
  }

  /** A second secret for a name; the first one goes on until it is revoked, or to `oldExpiresAt`. */
  async rotate(who: Who, name: string, expiresAt?: Date): Promise<MadeKey> {
    checkFuture(expiresAt);
    return await this.#change(async (trx, live) => {
      const ofName = live.filter((key) => key.name === name);
      const [last] = ofName.slice(-1);
      if (!last) throw unknown(name);
      if (ofName.length >= liveSecretsMax) {
        const ids = ofName.map(({ id }) => id).join(' and ');
        const text = `${name} has ${liveSecretsMax} live secrets, ${ids}: revoke one of them first`;
        throw new ServiceError('permanent', text, { field: 'name' });
      }
      const { scopes, limits, certificate } = last;
      const next = { name, scopes, limits, certificate, expiresAt: expiresAt ?? last.expiresAt };
      return await this.#insert(trx, who, 'key rotated', next);
    });
  }

  /** Ends all live secrets of a name, or the one of an id; their streams end with them. */
  async revoke(who: Who, nameOrId: string): Promise<Key[]> {
    return await this.#change(async (trx, live) => {
      const revoked = live.filter(({ name, id }) => name === nameOrId || id === nameOrId);
      if (revoked.length === 0) throw unknown(nameOrId);
      const ids = revoked.map(({ id }) => id);
      await this.#audit.record(who, 'key revoked', { name: revoked[0]?.name, ids }, trx);
      await revokeKeys(trx, ids);
      return revoked;
    });
  }

  async #insert(
    trx: Transaction<Database>,
    who: Who,
    action: string,
    wanted: Pick<Key, 'name' | 'scopes' | 'limits' | 'certificate' | 'expiresAt'>,
  ): Promise<MadeKey> {
    const { token: secret, id, digest } = newSecret();
    const key: Key = { ...wanted, id, digest, source: 'database', createdAt: new Date() };
    await this.#audit.record(who, action, { id, ...wanted }, trx);
    await insertKey(trx, key);
    return { key, secret };
  }

  /** In one transaction, and one after the other; `live`: the keys that are not revoked or expired. */
  async #change<T>(
    work: (trx: Transaction<Database>, live: readonly Key[]) => Promise<T>,
  ): Promise<T> {
    const done = await this.#db
      .transaction()
      .execute(async (trx) => {
        await lockKeys(trx);
        const keys = await readKeys(trx);
        return await work(
          trx,
          keys.filter((key) => stateOf(key) === 'active'),
        );
      })
      .catch((error) => {
        throw unanswered(error);
      });
    // It is done, and the secret is not to be lost: if it is not seen now, it is a moment later.
    await this.#onChanged().catch(() => {});
    return done;
  }
}

function checkFuture(expiresAt: Date | undefined): void {
  if (expiresAt && expiresAt.getTime() <= Date.now()) throw invalid('expires_at', 'is past');
}

const unknown = (name: string) =>
  new ServiceError('notFound', `there is no live key ${JSON.stringify(name.slice(0, 64))}`, {
    field: 'name',
  });

/** Keys are changed where all collectors see it, or not at all. */
function unanswered(error: unknown): Error {
  const known = classifyDatabaseError(error);
  if (!(known instanceof ServiceError) || known.kind !== 'retryable') return known;
  const text = `keys are kept in the database, which does not answer, and nothing was changed: ${known.message}`;
  return new ServiceError('retryable', text, { cause: error });
}
