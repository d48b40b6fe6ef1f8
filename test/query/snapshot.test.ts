import { sql } from 'kysely';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { DatabaseService } from '../../src/database/database-service.ts';
import { Line } from '../../src/query/ask/line.ts';
import { Snapshots } from '../../src/query/ask/snapshot.ts';
import { testConfig } from '../support/config.ts';
import { createDatabase, type TestDatabase } from '../support/database.ts';
import { silentLogger } from '../support/logger.ts';
import { insertEvents } from '../support/seed.ts';

let database: TestDatabase;
let service: DatabaseService;
beforeAll(async () => {
  database = await createDatabase();
  service = await DatabaseService.open(testConfig({ DATABASE_URL: database.url }), silentLogger);
});
afterAll(async () => {
  await service.close();
  await database.drop();
});

it('a question sees one moment, and changes nothing', async () => {
  const snapshots = new Snapshots(service.reader, () => service.upkeepDb, {
    msMax: 10_000,
    line: new Line({ places: 1, isPressed: () => false }),
  });
  const { signal } = new AbortController();
  await snapshots.read({ signal }, async ({ trx }) => {
    const count = () => sql<{ events: number }>`select count(*) as events from system_telemetry`;
    const before = await count().execute(trx);
    await insertEvents(database, [{ event_type: 'MEANWHILE' }]);
    expect((await count().execute(trx)).rows).toEqual(before.rows);
    expect((await count().execute(service.reader)).rows).toEqual([{ events: 1 }]);
  });
  const change = snapshots.read({ signal }, ({ trx }) =>
    sql`delete from system_telemetry`.execute(trx),
  );
  await expect(change).rejects.toMatchObject({ cause: { code: '25006' } });
});
