import type pg from 'pg';
import type { DatabaseService } from '../../src/database/database-service.ts';
import { ensurePartitions } from '../../src/database/partitions.ts';
import { levelColumns, levels, quarterMs, quartersIn, shapes } from '../../src/rollup/shapes.ts';
import { dayMs } from '../../src/units.ts';
import { type Amount, insertDay, rollUp } from './generate.ts';

const day = "interval '1 day'";

/**
 * Days (UTC) that are copies of the first, with ids of their own, up to now: a tenth of the time
 * that it takes to make up and to roll up each. Indexes are made once the rows are there.
 */
export async function generateAlike(
  database: DatabaseService,
  client: pg.ClientBase,
  { events, usage, days }: Amount,
  seed: number,
): Promise<void> {
  const toMs = Math.floor(Date.now() / quarterMs) * quarterMs;
  const fromMs = Math.floor(toMs / dayMs) * dayMs - (days - 1) * dayMs;
  const [first, to] = [new Date(fromMs), new Date(toMs)];
  for (const table of ['system_telemetry', 'usage_stats'] as const) {
    await ensurePartitions(database.upkeepDb, { table, fromMs, toMs: fromMs });
  }
  await client.query('select setseed($1)', [(seed % 1000) / 1000]);
  await insertDay(client, fromMs, Math.ceil(events / days), Math.ceil(usage / days));
  await rollUp(database, client);
  for (let later = 1; later < days; later++) {
    await copyRows(client, 'system_telemetry', first, later, to);
    await copyRows(client, 'usage_stats', first, later, to);
  }
  await copyLevels(client, first, days, to);
  await client.query('vacuum (analyze)');
}

const nameOf = (table: string, at: Date): string =>
  `${table}_${at.toISOString().slice(0, 10).replaceAll('-', '')}`;

async function copyRows(
  client: pg.ClientBase,
  table: string,
  first: Date,
  later: number,
  to: Date,
): Promise<void> {
  const from = new Date(first.getTime() + later * dayMs);
  const name = nameOf(table, from);
  const { rows } = await client.query<{ name: string }>(
    `select attname as name from pg_attribute
     where attrelid = $1::regclass and attnum > 0 and not attisdropped and attgenerated = ''`,
    [table],
  );
  const moved = rows.map(({ name: column }) => {
    if (column === 'id') return 'gen_random_uuid()';
    return ['timestamp', 'observed_at'].includes(column)
      ? `"${column}" + ${later} * ${day}`
      : `"${column}"`;
  });
  const bounds = [from, new Date(from.getTime() + dayMs)].map((at) => `'${at.toISOString()}'`);
  await client.query(`
    drop table if exists ${name};
    create table ${name} (like ${table} including defaults including constraints including generated);
    insert into ${name} (${rows.map(({ name: column }) => `"${column}"`).join()})
    select ${moved.join()} from ${nameOf(table, first)}
    where "timestamp" + ${later} * ${day} < '${to.toISOString()}';
    alter table ${table} attach partition ${name} for values from (${bounds[0]}) to (${bounds[1]})`);
  await client.query(`vacuum (analyze) ${name}`);
}

async function copyLevels(
  client: pg.ClientBase,
  first: Date,
  days: number,
  to: Date,
): Promise<void> {
  for (const shape of shapes) {
    const [, ...others] = levelColumns(shape).map((name) => `"${name}"`);
    for (const level of levels) {
      const table = shape.levelTables[level];
      // By time it grows at its end, as cheaply as can be; by series it doesn't.
      const { rows } = await client.query<{ name: string; definition: string }>(
        `select indexname as name, indexdef as definition from pg_indexes
         where tablename = $1 and indexdef like '%(series,%'`,
        [table],
      );
      for (const { name } of rows) await client.query(`drop index ${name}`);
      for (let later = 1; later < days; later++) {
        await client.query(
          `insert into ${table} (bucket, ${others.join()})
           select bucket + $1::int * ${day}, ${others.join()} from ${table}
           where bucket < $2::timestamptz + ${day}
             and bucket + $1::int * ${day} + $3::int * interval '15 minutes' <= $4`,
          [later, first, quartersIn[level], to],
        );
      }
      for (const { definition } of rows) await client.query(definition);
    }
  }
}
