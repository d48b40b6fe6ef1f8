import { Kysely, PostgresDialect } from 'kysely';
import pg from 'pg';
import type { Database } from '../../src/database/schema.ts';
import { generateEvents } from '../support/events.ts';
import { serveLoad } from './child.ts';

export interface KyselyOptions {
  readonly connection: { readonly host: string; readonly user: string; readonly database: string };
  readonly connections: number;
  readonly rows: number;
  readonly rowsPerInsert: number;
  readonly seed: number;
}

/** A service that inserts its events by itself, several in a statement. */
await serveLoad(async (options: KyselyOptions) => {
  const { connection, connections, rows, rowsPerInsert, seed } = options;
  const pool = new pg.Pool({ ...connection, max: connections });
  const clients = await Promise.all(Array.from({ length: connections }, () => pool.connect()));
  for (const client of clients) client.release();
  const db = new Kysely<Database>({ dialect: new PostgresDialect({ pool }) });
  const events = generateEvents(rowsPerInsert, seed);
  let left = rows;
  const insertInTurn = async () => {
    while (left > 0) {
      const part = events.slice(0, left);
      left -= part.length;
      await db
        .insertInto('system_telemetry')
        .values(part.map((event) => ({ ...event, metadata: JSON.stringify(event.metadata) })))
        .execute();
    }
  };
  return async () => {
    const startMs = performance.now();
    await Promise.all(Array.from({ length: connections }, insertInTurn));
    return { rows, seconds: (performance.now() - startMs) / 1000 };
  };
});
