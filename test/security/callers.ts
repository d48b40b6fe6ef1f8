import { Audit } from '../../src/admin/audit.ts';
import { KeyAdmin } from '../../src/admin/key-admin.ts';
import { createKysely } from '../../src/database/kysely.ts';
import type { Scope } from '../../src/serve/caller.ts';
import { scopes } from '../../src/serve/caller.ts';
import type { TestDatabase } from '../support/database.ts';
import { silentLogger } from '../support/logger.ts';

const operator = { name: 'a test' };

/** Makes keys as the command line does. */
export function keyAdmin(database: TestDatabase): KeyAdmin {
  const db = createKysely(database.pool);
  return new KeyAdmin(db, new Audit(db, silentLogger));
}

export interface Secrets {
  /** A key of that scope alone. */
  readonly of: Readonly<Record<Scope, string>>;
  /** A key of all but that scope. */
  readonly without: Readonly<Record<Scope, string>>;
  readonly expired: string;
  readonly revoked: string;
}

/** One key of each sort. */
export async function makeKeys(database: TestDatabase): Promise<Secrets> {
  const admin = keyAdmin(database);
  const make = async (name: string, scopes: readonly string[]) =>
    (await admin.create(operator, { name, scopes })).secret;
  const each = async (secret: (scope: Scope) => Promise<string>) =>
    Object.fromEntries(
      await Promise.all(scopes.map(async (scope) => [scope, await secret(scope)])),
    ) as Record<Scope, string>;
  const secrets = {
    of: await each((scope) => make(`only-${scope}`, [scope])),
    without: await each((scope) =>
      make(
        `all-but-${scope}`,
        scopes.filter((other) => other !== scope),
      ),
    ),
    expired: await make('expired', scopes),
    revoked: await make('revoked', scopes),
  };
  await admin.revoke(operator, 'revoked');
  await database.rows(
    `update telemetry_keys set expires_at = now() - interval '1 s' where name = 'expired'`,
  );
  return secrets;
}
