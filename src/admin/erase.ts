import { setTimeout as sleep } from 'node:timers/promises';
import type { Transaction } from 'kysely';
import { eraseDeadLetters, eraseRows } from '../commit/erase-rows.ts';
import { areAllKnown, noteErasure, type Subject, subject } from '../commit/erasures.ts';
import type { Writer } from '../commit/writer.ts';
import { adoptionStates } from '../database/adoption.ts';
import type { Database } from '../database/schema.ts';
import { ServiceError } from '../errors.ts';
import { classifyDatabaseError } from '../postgres/sqlstate.ts';
import { recordKinds, tables } from '../records/tables.ts';
import type { Audit } from './audit.ts';
import { invalid } from './key.ts';

/** How many rows went, by table. */
export type Erased = Readonly<Record<string, number>>;

/** Whose records are meant; throws a `ServiceError` unless it is one user or one session. */
export function subjectOf(given: Readonly<Record<Subject['field'], string | undefined>>): Subject {
  const { user_id: user, session_id: session } = given;
  if (user && session)
    throw invalid('session_id', 'is given beside user_id; one of them is needed');
  if (user) return subject('user_id', user);
  if (session) return subject('session_id', session);
  throw invalid('user_id', 'is empty, and so is session_id; one of them is needed');
}

/**
 * Erases what is stored of somebody, and notes it, so that what collectors hold of him, in memory
 * or in their spools, is not written. Throws a `ServiceError`.
 */
export async function erase(
  writer: Writer,
  audit: Audit,
  caller: { readonly name: string },
  whose: Subject,
  isDry: boolean,
): Promise<Erased> {
  try {
    if (!isDry) {
      await writer.transaction((trx) => noteErasure(trx, whose));
      await untilAllKnow(writer);
    }
    return await writer.transaction(async (trx, client) => {
      if (!isDry) await refuseWhileCopied(trx);
      const erased: Record<string, number> = {};
      for (const kind of recordKinds) {
        erased[tables[kind].name] = await eraseRows(trx, client, kind, whose);
      }
      erased.dead_letters = await eraseDeadLetters(trx, client, whose);
      if (isDry) throw new DryRun(erased);
      await audit.record(caller, 'records erased', { by: whose.field, erased }, trx);
      return erased;
    });
  } catch (error) {
    if (error instanceof DryRun) return error.erased;
    throw classifyDatabaseError(error);
  }
}

/** Rows of older tables that come later would bring back what was erased. */
async function refuseWhileCopied(trx: Transaction<Database>): Promise<void> {
  const states = await adoptionStates(trx);
  const copied = states.find(({ finished_at, obstacle }) => !finished_at && !obstacle);
  if (!copied) return;
  throw new ServiceError(
    'retryable',
    `nothing is erased yet: rows of ${copied.source} are still being copied; try again when they are`,
  );
}

/** Longer than a commit may take. */
const triesMax = 120;
const betweenTriesMs = 250;

/** Resolves when no commit is under way that does not know of what is noted. */
async function untilAllKnow(writer: Writer): Promise<void> {
  for (let tries = 0; tries < triesMax; tries++) {
    if (await writer.transaction((trx, client) => areAllKnown(trx, client))) return;
    await sleep(betweenTriesMs);
  }
  throw new ServiceError(
    'retryable',
    'nothing is erased yet: a transaction that may store something does not end; try again',
  );
}

/** Takes everything back. */
class DryRun extends Error {
  readonly erased: Erased;

  constructor(erased: Erased) {
    super('nothing is erased');
    this.erased = erased;
  }
}
