import { type RawBuilder, sql } from 'kysely';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { createKysely } from '../../src/database/kysely.ts';
import { readAside } from '../../src/rollup/read-aside.ts';
import { createDatabase, type TestDatabase } from '../support/database.ts';

let database: TestDatabase;
beforeAll(async () => {
  database = await createDatabase();
});
afterAll(() => database.drop());

const numbers = (to: number): RawBuilder<unknown> => sql`
  select n, case when n % 2 = 0 then array['even', null] end as names
  from generate_series(1, ${to}::int) as n`;

/** More fields than 400,000 are left where they are. */
it.each([
  [0, true],
  [3, true],
  [200_000, true],
  [200_001, false],
])('a query of %i rows is the same table, aside: %s', async (to, isAside) => {
  const query = numbers(to);
  const found = await createKysely(database.pool)
    .transaction()
    .execute(async (trx) => {
      const table = await readAside(trx, query, { n: 'int', names: 'text[]' });
      expect(table.compile(trx).sql.includes('generate_series')).toBe(!isAside);
      const { rows } = await sql`
        select count(*)::int as rows, coalesce(sum(n), 0)::float8 as sum,
          count(*) filter (where names = array['even', null])::int as even
        from ${table} as found`.execute(trx);
      return rows[0];
    });
  expect(found).toEqual({ rows: to, sum: (to * (to + 1)) / 2, even: Math.floor(to / 2) });
});
