import {
  awaitDrains,
  eraseDeadLetters,
  eraseRows,
  noteErasure,
  type Subject,
} from '../commit/erasures.ts';
import type { Writer } from '../commit/writer.ts';
import { classifyDatabaseError } from '../postgres/sqlstate.ts';
import { recordKinds, tables } from '../records/tables.ts';
import type { Audit } from './audit.ts';

/** How many rows went, by table. */
export type Erased = Readonly<Record<string, number>>;

/**
 * Erases what is stored of somebody, and notes it, so that what spools hold of him is not written.
 * `isDry`: nothing changes. Throws a `ServiceError`.
 */
export async function erase(
  writer: Writer,
  audit: Audit,
  caller: { readonly name: string },
  subject: Subject,
  isDry: boolean,
): Promise<Erased> {
  try {
    if (!isDry) {
      await writer.transaction((trx) => noteErasure(trx, subject));
      await writer.transaction((trx, client) => awaitDrains(trx, client));
    }
    return await writer.transaction(async (trx, client) => {
      const erased: Record<string, number> = {};
      for (const kind of recordKinds) {
        erased[tables[kind].name] = await eraseRows(trx, client, kind, subject);
      }
      erased.dead_letters = await eraseDeadLetters(trx, client, subject);
      if (isDry) throw new DryRun(erased);
      await audit.record(caller, 'records erased', { by: subject.field, erased }, trx);
      return erased;
    });
  } catch (error) {
    if (error instanceof DryRun) return error.erased;
    throw classifyDatabaseError(error);
  }
}

/** Takes everything back. */
class DryRun extends Error {
  readonly erased: Erased;

  constructor(erased: Erased) {
    super('nothing is erased');
    this.erased = erased;
  }
}
