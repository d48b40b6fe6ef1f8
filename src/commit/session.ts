import type pg from 'pg';
import { transactionStartOf } from '../postgres/client.ts';
import { schemaInUse } from './schema-in-use.ts';

/** The schema in use when it was that. */
const kept = new WeakMap<pg.ClientBase, string>();

/**
 * Has a session keep what every commit would set and ask for anew, where it is of the embedded server,
 * and so nobody else's in between: settings, and prepared statements.
 */
export async function keepSession(
  client: pg.ClientBase,
  statementsIn: (schema: string) => readonly string[],
): Promise<void> {
  const settings = transactionStartOf(client)?.session;
  const schema = schemaInUse(client);
  if (settings === undefined || schema === undefined || isKept(client)) return;
  await client.query([settings, 'deallocate all', ...statementsIn(schema)].join(';'));
  kept.set(client, schema);
}

export function isKept(client: pg.ClientBase): boolean {
  const schema = kept.get(client);
  return schema !== undefined && schema === schemaInUse(client);
}
