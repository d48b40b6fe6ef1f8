import type { Kysely } from 'kysely';
import type { Database } from '../database/schema.ts';
import type { Logger } from '../observe/logger.ts';
import { classifyDatabaseError } from '../postgres/sqlstate.ts';
import { invalid } from './key.ts';

const limitMax = 1000;

export interface AuditEntry {
  readonly recordedAt: Date;
  readonly caller: string;
  readonly action: string;
  readonly detail: object;
}

/** What operators do, in the log and in a table. */
export class Audit {
  readonly #db: Kysely<Database>;
  readonly #logger: Logger;

  constructor(db: Kysely<Database>, logger: Logger) {
    this.#db = db;
    this.#logger = logger;
  }

  /**
   * Notes what is about to be done, and by whom: where that fails, it is not to be done. `action` is
   * of a few words (`dead letters dropped`), `detail` what it is done to, without secrets. `db`: the
   * transaction in which it is done, where there is one. Throws a `ServiceError`.
   */
  async record(
    caller: { readonly name: string },
    action: string,
    detail: object,
    db = this.#db,
  ): Promise<void> {
    const entry = { caller: caller.name, action, detail: JSON.stringify(detail) };
    try {
      await db.insertInto('telemetry_audit').values(entry).execute();
    } catch (error) {
      throw classifyDatabaseError(error);
    }
    this.#logger.info({ caller: caller.name, action, detail }, 'audit');
  }

  /** The newest, at most `limit` of them. Throws a `ServiceError`. */
  async list(limit: number): Promise<AuditEntry[]> {
    if (limit < 1 || limit > limitMax) {
      throw invalid('limit', `is ${limit}; it must be from 1 to ${limitMax}`);
    }
    try {
      const rows = await this.#db
        .selectFrom('telemetry_audit')
        .select(['recorded_at', 'caller', 'action', 'detail'])
        .orderBy('recorded_at', 'desc')
        .orderBy('id')
        .limit(limit)
        .execute();
      return rows.map(({ recorded_at: recordedAt, ...row }) => ({ recordedAt, ...row }));
    } catch (error) {
      throw classifyDatabaseError(error);
    }
  }
}
