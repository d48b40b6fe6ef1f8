import { userInfo } from 'node:os';
import type { Kysely } from 'kysely';
import { Audit } from './admin/audit.ts';
import { type Key, stateOf } from './admin/key.ts';
import { KeyAdmin } from './admin/key-admin.ts';
import { readExpiry } from './admin/key-checks.ts';
import type { Database } from './database/schema.ts';
import { ServiceError, StartError } from './errors.ts';
import type { Logger } from './observe/logger.ts';

/** What the commands take beside their arguments. */
export interface KeyFlags {
  readonly scopes?: string;
  readonly expires?: string;
  readonly recordsPerSecond?: string;
  readonly bytesPerSecond?: string;
  readonly bufferShare?: string;
  readonly queryShare?: string;
  readonly certificate?: string;
}

/** As the command line has it, with what it means. */
export type CommandFlag = readonly [flag: string, meaning: string];

export const keyFlags: readonly CommandFlag[] = [
  ['--scopes <list>', 'of ingest, query and admin (default ingest)'],
  [
    '--expires <time>',
    'when it expires, as 2027-01-31T00:00:00Z, or from now: 30d, 12h, 15m (default never)',
  ],
  ['--records-per-second <number>', 'records that its callers may send in a second'],
  ['--bytes-per-second <bytes>', 'bytes of encoded rows that its callers may send in a second'],
  ['--buffer-share <share>', 'part of the buffer that its callers may fill, from 0 to 1'],
  [
    '--query-share <share>',
    'part of the queries and their time that its callers may have, from 0 to 1',
  ],
  [
    '--certificate <name>',
    'subject or SHA-256 fingerprint of a client certificate that stands for it',
  ],
];
export const expiryFlag: CommandFlag = [
  '--expires <time>',
  'when the new secret expires (default as the one before)',
];

/** A secret, for the standard output and nobody else, and what people should know beside it. */
export interface ShownSecret {
  readonly secret: string;
  readonly note: string;
}

/** Whoever runs a command, as the audit names him. */
export function operator(): { readonly name: string } {
  try {
    return { name: `command line (${userInfo().username})` };
  } catch {
    // In a container, of a user that has no name.
    return { name: `command line (${process.getuid?.()})` };
  }
}

/** The commands of keys; throw a `StartError` in one sentence. */
export class KeyCommands {
  readonly #admin: KeyAdmin;

  constructor(db: Kysely<Database>, logger: Logger) {
    this.#admin = new KeyAdmin(db, new Audit(db, logger));
  }

  async create(name: string, flags: KeyFlags): Promise<ShownSecret> {
    return await told(async () => {
      const { key, secret } = await this.#admin.create(operator(), {
        name,
        scopes: (flags.scopes ?? 'ingest').split(/[\s,]+/),
        expiresAt: readExpiry(flags.expires ?? ''),
        certificate: flags.certificate ?? '',
        limits: {
          recordsPerSecond: number(flags.recordsPerSecond),
          bytesPerSecond: number(flags.bytesPerSecond),
          bufferShare: number(flags.bufferShare),
          queryShare: number(flags.queryShare),
        },
      });
      return { secret, note: shownOnce(key) };
    });
  }

  async rotate(name: string, { expires = '' }: KeyFlags): Promise<ShownSecret> {
    return await told(async () => {
      const { key, secret } = await this.#admin.rotate(operator(), name, readExpiry(expires));
      return { secret, note: `${shownOnce(key)} The one before goes on until it is revoked.` };
    });
  }

  async revoke(nameOrId: string): Promise<readonly Key[]> {
    return await told(() => this.#admin.revoke(operator(), nameOrId));
  }

  /** As rows of a table. */
  async list(): Promise<Record<string, unknown>[]> {
    const keys = await told(() => this.#admin.list());
    return keys.map((key) => ({
      name: key.name,
      id: key.id,
      scopes: key.scopes.join(','),
      state: stateOf(key),
      created_at: key.createdAt,
      expires_at: key.expiresAt,
      last_used_at: key.lastUsedAt,
      limits: Object.entries(key.limits)
        .flatMap(([limit, value]) => (value === undefined ? [] : `${limit} ${value}`))
        .join(', '),
      certificate: key.certificate,
    }));
  }
}

const number = (text: string | undefined): number | undefined =>
  text === undefined ? undefined : Number(text);

const shownOnce = ({ id, name, scopes }: Key): string =>
  `The secret of ${name} (id ${id}, scopes ${scopes.join(', ')}) is shown this once.`;

async function told<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof ServiceError) throw new StartError(error.message, { cause: error });
    throw error;
  }
}
