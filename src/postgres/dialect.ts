import { PostgresDialect, type PostgresPoolClient } from 'kysely';
import type pg from 'pg';
import { transactionStartOf } from './client.ts';

const beginning = /^(?:begin|start transaction)\b\s*(.*)$/;
const ending = /^(?:commit|rollback)$/;

/** Where Kysely gets its connections. */
export interface Source {
  connect(): Promise<{ client: pg.PoolClient; release: (discard?: boolean) => void }>;
  end(): Promise<void>;
}

/** What every transaction of ours sets besides, and what it learns of that. */
export interface FurtherSettings {
  readonly statement: string;
  learn(results: readonly pg.QueryResult[]): void;
}

/** PostgreSQL with transactions that begin with our settings. */
export class SettledDialect extends PostgresDialect {
  constructor(source: Source, further?: FurtherSettings) {
    const connect = async () => {
      const { client, release } = await source.connect();
      return settled(client, release, further);
    };
    super({ pool: { connect, end: () => source.end(), options: {} } });
  }
}

/**
 * A connection as Kysely gets it: its transactions begin with our settings, and what is outside of
 * one becomes one. A connection that is not ours, a test's for example, stays as it is.
 */
function settled(
  client: pg.PoolClient,
  release: (discard?: boolean) => void,
  further?: FurtherSettings,
): PostgresPoolClient {
  const start = transactionStartOf(client);
  let open = false;
  let unusable = false;
  const query = async (text: string, values?: readonly unknown[]): Promise<pg.QueryResult> => {
    const begun = beginning.exec(text);
    if (begun && start) {
      // A connection on which nothing begins, since its server has become a standby, is of no use.
      unusable = true;
      const results = await client.query(`${start.begin(begun[1])};${further?.statement ?? ''}`);
      further?.learn(results as unknown as pg.QueryResult[]);
      unusable = false;
      open = true;
      return noRows;
    }
    if (ending.test(text)) open = false;
    else if (!open && start) return await alone(text, values);
    return await client.query(text, values as unknown[]);
  };
  const alone = async (text: string, values?: readonly unknown[]): Promise<pg.QueryResult> => {
    await query('begin');
    try {
      const result = await client.query(text, values as unknown[]);
      await query('commit');
      return result;
    } catch (error) {
      await query('rollback');
      throw error;
    }
  };
  return {
    query,
    release: (discard = false) => release(discard || unusable),
  } as unknown as PostgresPoolClient;
}

const noRows = { command: 'BEGIN', rowCount: null, rows: [], oid: 0, fields: [] };
