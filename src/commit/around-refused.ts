import { sql, type Transaction } from 'kysely';
import type { Database } from '../database/schema.ts';
import { classifyDatabaseError } from '../database/sqlstate.ts';

/**
 * Does some work on items of which PostgreSQL may refuse some: on all of them, or else on halves,
 * until those are alone. Resolves with these, and why. Each try is a savepoint, so that what was
 * done stays (4.4 of docs/specs/buffer.md). Any other failure is thrown, classified.
 */
export async function aroundRefused<T>(
  trx: Transaction<Database>,
  items: readonly T[],
  work: (part: readonly T[]) => Promise<void>,
): Promise<Map<T, string>> {
  const refused = new Map<T, string>();
  const divide = async (part: readonly T[]): Promise<void> => {
    const [only, second] = part;
    if (only === undefined) return;
    const reason = await tryWork(trx, () => work(part));
    if (reason === undefined) return;
    if (second === undefined) {
      refused.set(only, reason);
      return;
    }
    const middle = Math.ceil(part.length / 2);
    await divide(part.slice(0, middle));
    await divide(part.slice(middle));
  };
  await divide(items);
  return refused;
}

/** Why PostgreSQL refused the data of some work, which is undone then; undefined when it took them. */
async function tryWork(
  trx: Transaction<Database>,
  work: () => Promise<void>,
): Promise<string | undefined> {
  await sql`savepoint part`.execute(trx);
  try {
    await work();
    await sql`release savepoint part`.execute(trx);
    return undefined;
  } catch (error) {
    const classified = classifyDatabaseError(error);
    if (classified.kind !== 'permanent') throw classified;
    await sql`rollback to savepoint part`.execute(trx);
    return classified.message;
  }
}
