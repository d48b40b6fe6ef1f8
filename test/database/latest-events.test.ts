import { Kysely, PostgresDialect } from 'kysely';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createKysely } from '../../src/database/kysely.ts';
import { buildLaterIndexes } from '../../src/database/later-indexes.ts';
import { up } from '../../src/database/migrations/0014-latest-events.ts';
import { ensurePartitions } from '../../src/database/partitions.ts';
import type { Database } from '../../src/database/schema.ts';
import { eventFilter } from '../../src/query/ask/filters.ts';
import { usOfMs } from '../../src/query/ask/instants.ts';
import { eventColumns } from '../../src/query/lists/list-events.ts';
import { listRecords } from '../../src/query/lists/list-records.ts';
import { dayMs } from '../../src/units.ts';
import { createDatabase, type TestDatabase } from '../support/database.ts';

const days = 3;
const toMs = Date.now();
const fromMs = toMs - (days - 1) * dayMs;
const table = 'system_telemetry';

let database: TestDatabase;
let db: Kysely<Database>;
beforeAll(async () => {
  database = await createDatabase();
  db = createKysely(database.pool);
  await ensurePartitions(db, { table, fromMs, toMs });
});
afterAll(() => database.drop());

/** By what they are of, the indexes of partitions with rows; a number for each. */
async function indexes(): Promise<Record<string, number>> {
  const rows = await database.rows<{ what: string; count: number }>(`
    select substring(pg_get_indexdef(indexrelid) from 'btree (.*)$') as what, count(*)::int as count
    from pg_inherits join pg_index on indrelid = inhrelid
    where inhparent = 'system_telemetry'::regclass and indisvalid and pg_relation_size(indrelid) > 0
    group by 1`);
  return Object.fromEntries(rows.map(({ what, count }) => [what, count]));
}
const [later, older] = ['(component, event_type)', '(component, event_type, "timestamp")'];

it('partitions of before go on with their index until they have the later one', async () => {
  await database.rows('drop index system_telemetry_component_type_idx');
  await database.rows(`create index on system_telemetry ${older}`);
  await database.rows(
    `insert into system_telemetry (event_type, "timestamp")
     select 'OLD', $1::timestamptz - n * interval '1 day' from generate_series(0, $2 - 1) as n`,
    [new Date(toMs), days],
  );
  for (let time = 0; time < 2; time++) {
    await db.transaction().execute((trx) => up(trx as unknown as Kysely<unknown>));
  }
  expect(await indexes()).toMatchObject({ [older]: days });
  expect(await indexes()).not.toHaveProperty([later]);
  await buildLaterIndexes(db, database.pool, table);
  expect(await indexes()).toMatchObject({ [later]: days });
  expect(await indexes()).not.toHaveProperty([older]);
  await buildLaterIndexes(db, database.pool, table);
});

describe('the latest events', () => {
  const perDay = 40_000;
  beforeAll(async () => {
    await database.rows('truncate system_telemetry');
    await database.rows(
      `insert into system_telemetry (event_type, component, "timestamp")
       select 'TYPE ' || n % 20,
         case when n % 10 = 0 then 'frequent' when n % 10000 = 1 then 'rare' else 'other ' || n % 90 end,
         $1::timestamptz - n * interval '1 day' / $2
       from generate_series(0, $2::int * $3::int - 1) as n`,
      [new Date(toMs), perDay, days - 1],
    );
    await database.rows('vacuum analyze system_telemetry');
  }, 60_000);

  /** A page of what there is, with the plan by which it was found. */
  async function plan(filter: Parameters<typeof eventFilter>[1]) {
    const asked: { sql: string; parameters: readonly unknown[] }[] = [];
    const watched = new Kysely<Database>({
      dialect: new PostgresDialect({ pool: database.pool }),
      log: ({ query }) => {
        asked.push(query);
      },
    });
    const page = await watched.transaction().execute((trx) =>
      listRecords(trx, {
        kind: 'event',
        columns: eventColumns,
        filter: eventFilter(undefined, filter),
        span: { startUs: fromMs * usOfMs, endUs: undefined },
        order: 'newest',
        pageSize: 100,
        pageToken: '',
        id: '',
      }),
    );
    let [text, buffers] = ['', 0];
    for (const { sql, parameters } of asked.filter(({ sql }) => sql.includes('limit'))) {
      const { rows } = await database.pool.query(`explain (analyze, buffers) ${sql}`, [
        ...parameters,
      ]);
      const lines = rows.map((row) => row['QUERY PLAN'] as string);
      const [, hit = '0', read = '0'] =
        /Buffers: shared(?: hit=(\d+))?(?: read=(\d+))?/.exec(lines.join('\n')) ?? [];
      text += `${lines.join('\n')}\n`;
      buffers += Number(hit) + Number(read);
    }
    return { found: page.rows.length, ids: page.rows.map(({ id }) => id), text, buffers };
  }

  const pages = () =>
    database.count(
      `select sum(relpages) from pg_class where relname ~ '^system_telemetry_\\d{8}$'`,
    );

  it.each([
    ['of a frequent component come from the index of times', 'frequent', '', 'timestamp', 100],
    ['of a rare component', 'rare', '', 'component_type', 8],
    ['of a component that has none', 'nobody', '', 'component_type', 0],
    ['of a component that has none of a type', 'frequent', 'ABSENT', 'component_type', 0],
  ] as const)('%s', async (_name, component, eventType, index, count) => {
    const { found, text, buffers } = await plan({ component, eventType });
    expect(found).toBe(count);
    expect(text).toMatch(
      new RegExp(
        `Scan.* on system_telemetry_\\d{8}_${index}_idx|Scan.* using system_telemetry_\\d{8}_${index}_idx`,
      ),
    );
    expect({ text, isFew: buffers < (await pages()) / 10 }).toMatchObject({ isFew: true });
  });

  it('are the same wherever rollups have seen the last: behind many others they are sorted', async () => {
    const before = await plan({ component: 'frequent' });
    await database.rows(`
      insert into event_series (hash, margin, component)
      values (gen_random_uuid(), 'component', 'frequent'), (gen_random_uuid(), 'all', null)`);
    await database.rows(`
      insert into event_rollup_quarter (bucket, series, events, n)
      select date_bin('15 minutes', now() - ago, '2000-01-01 UTC'), id, 50000, 0
      from event_series join (values ('component', interval '3 hours'), ('all', interval '1 hour'))
        as seen (margin, ago) using (margin)`);
    const behind = await plan({ component: 'frequent' });
    expect(behind.ids).toEqual(before.ids);
    expect(behind.text).toMatch(/Sort Key: .*'00:00:00'::interval/);
    expect(before.text).not.toMatch(/Sort Key: .*'00:00:00'::interval/);
    expect(await plan({ component: 'rare' })).toMatchObject({ found: 8 });
  });

  it('of a type that is absent skip from component to component', async () => {
    const { found, text, buffers } = await plan({ eventType: 'ABSENT' });
    expect(found).toBe(0);
    expect(text).toMatch(/system_telemetry_\d{8}_component_type_idx/);
    expect({ text, isFew: buffers < (await pages()) / 3 }).toMatchObject({ isFew: true });
  });
});
