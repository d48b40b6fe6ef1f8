import type { Command } from 'commander';
import { Audit } from '../admin/audit.ts';
import { type Key, stateOf } from '../admin/key.ts';
import { KeyAdmin, type MadeKey } from '../admin/key-admin.ts';
import { readExpiry } from '../admin/key-checks.ts';
import { type CommandFlag, command, commandGroup, type Run } from './command.ts';
import { onDatabase, operator } from './on-database.ts';
import type { Report } from './report.ts';

/** What the commands take beside their arguments. */
interface KeyFlags {
  readonly scopes?: string;
  readonly expires?: string;
  readonly recordsPerSecond?: string;
  readonly bytesPerSecond?: string;
  readonly bufferShare?: string;
  readonly queryShare?: string;
  readonly certificate?: string;
}

const keyFlags: readonly CommandFlag[] = [
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
const expiryFlag: CommandFlag = [
  '--expires <time>',
  'when the new secret expires (default as the one before)',
];

type KeyWork = (admin: KeyAdmin, args: readonly string[], flags: KeyFlags) => Promise<Report>;

/** `create`: also where there is no database yet, so that a key can be there before the collector. */
const onKeys = (work: KeyWork, { create = false } = {}): Run =>
  onDatabase(
    async (database, { args, flags, logger }) => {
      if (create) await database.migrate();
      const db = database.upkeepDb;
      return await work(new KeyAdmin(db, new Audit(db, logger)), args, flags);
    },
    { create },
  );

const create = onKeys(
  async (admin, [name = ''], flags) => {
    const made = await admin.create(operator(), {
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
    return secretReport(made);
  },
  { create: true },
);

const rotate = onKeys(async (admin, [name = ''], { expires = '' }) => {
  const made = await admin.rotate(operator(), name, readExpiry(expires));
  return secretReport(made, ' The one before goes on until it is revoked.');
});

const revoke = onKeys(async (admin, names) => {
  const revoked: Key[] = [];
  for (const name of names) revoked.push(...(await admin.revoke(operator(), name)));
  return {
    json: { revoked: revoked.map(({ name, id }) => ({ name, id })) },
    shown: revoked.map(({ name, id }) => `${name} ${id} is revoked`),
  };
});

const list = onKeys(async (admin) => {
  const keys = (await admin.list()).map((key) => ({
    name: key.name,
    id: key.id,
    scopes: key.scopes,
    state: stateOf(key),
    created_at: key.createdAt,
    expires_at: key.expiresAt,
    last_used_at: key.lastUsedAt,
    limits: key.limits,
    certificate: key.certificate,
  }));
  const rows = keys.map((key) => ({
    ...key,
    scopes: key.scopes.join(','),
    limits: limitsInWords(key.limits),
  }));
  return {
    json: { keys },
    shown: rows.length > 0 ? [rows] : ['there are no keys in the database'],
  };
});

export const keyCommands = (): Command =>
  commandGroup('keys', 'API keys', [
    command('create <name>', 'make a key, whose secret is printed this once', create, {
      own: keyFlags,
    }),
    command('list', 'every secret that there is or was', list),
    command('rotate <name>', 'make a second secret for a name', rotate, { own: [expiryFlag] }),
    command('revoke <name-or-id...>', 'end all secrets of a name, or one of them', revoke),
  ]);

const number = (text: string | undefined): number | undefined =>
  text === undefined ? undefined : Number(text);

const limitsInWords = (limits: Key['limits']): string =>
  Object.entries(limits)
    .flatMap(([limit, value]) => (value === undefined ? [] : `${limit} ${value}`))
    .join(', ');

/** The secret is for the standard output and nobody else. */
function secretReport({ key: { id, name, scopes }, secret }: MadeKey, more = ''): Report {
  return {
    json: { name, id, scopes, secret },
    notes: [
      `The secret of ${name} (id ${id}, scopes ${scopes.join(', ')}) is shown this once.${more}`,
    ],
    shown: [secret],
  };
}
