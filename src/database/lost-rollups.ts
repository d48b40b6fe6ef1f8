import { sql, type Transaction } from 'kysely';
import { isDistributed } from './cluster/layout.ts';
import type { DataTable, ExpectedName } from './expected-tables.ts';
import { isRolledTime } from './rolled-time.ts';
import type { Database } from './schema.ts';
import { quarterOf, quartersOf } from './unread-rows.ts';

type Trx = Transaction<Database>;

const kinds = {
  event: {
    table: 'system_telemetry',
    floor: 'raw_floor',
    series: 'event_series',
    levels: 'event_rollup',
  },
  usage: {
    table: 'usage_stats',
    floor: 'usage_raw_floor',
    series: 'usage_series',
    levels: 'usage_rollup',
  },
} as const satisfies Record<
  string,
  { table: DataTable; floor: string; series: ExpectedName; levels: string }
>;
type Kind = keyof typeof kinds;

/** Without one of these, totals of either kind are incomplete. */
const shared: readonly ExpectedName[] = [
  'rollup_state',
  'rollup_fresh',
  'rollup_history',
  'rollup_repairs',
];
/** For so long a transaction may still store what it had packed with numbers of before. */
const staleS = 60;
/** More than collectors can have given out that nobody has folded yet. */
const numbersLeftOut = 1_000_000;

/**
 * After tables of rollups were lost and are made anew: what their rows add up to is computed again,
 * and questions are answered from the rows until then. What only the totals knew is gone.
 */
export async function recoverRollups(trx: Trx, lost: readonly ExpectedName[]): Promise<void> {
  if (lost.includes('rollup_state')) await findFloors(trx);
  await raiseLevelFloors(trx, lost);
  for (const kind of Object.keys(kinds) as Kind[]) {
    const { series, levels } = kinds[kind];
    if (lost.includes(series)) await skipNumbers(trx, kind);
    const own = (name: ExpectedName) => name === series || name.startsWith(`${levels}_`);
    if (!lost.some((name) => own(name) || shared.includes(name))) continue;
    await noteAllQuarters(trx, kind, lost.includes(series) ? staleS : 0);
  }
}

/** Where retention has removed rows, nothing is computed from those that are left. */
async function findFloors(trx: Trx): Promise<void> {
  const dropped = (table: DataTable) => sql`
    coalesce((
      select max(to_time) from retention_drops where table_name = ${table} and isfinite(to_time)
    ), '-infinity')`;
  const first = (level: string) => sql`
    least(raw_floor, usage_raw_floor, (
      select min(bucket) from (
        select min(bucket) as bucket from ${sql.table(`event_rollup_${level}`)}
        union all select min(bucket) from ${sql.table(`usage_rollup_${level}`)}
      ) as firsts
    ))`;
  await sql`
    update rollup_state set raw_floor = ${dropped(kinds.event.table)},
      usage_raw_floor = ${dropped(kinds.usage.table)}`.execute(trx);
  await sql`
    update rollup_state set quarter_floor = ${first('quarter')}, hour_floor = ${first('hour')},
      day_floor = ${first('day')}`.execute(trx);
}

/** Where rows are gone, the next longer level is the finest that still knows. */
async function raiseLevelFloors(trx: Trx, lost: readonly ExpectedName[]): Promise<void> {
  const floors = [
    ['quarter', sql`least(raw_floor, usage_raw_floor)`],
    ['hour', sql`quarter_floor`],
    ['day', sql`hour_floor`],
  ] as const;
  for (const [level, floor] of floors) {
    if (!lost.some((name) => name.endsWith(`_rollup_${level}`))) continue;
    const column = sql.ref(`${level}_floor`);
    await sql`update rollup_state set ${column} = greatest(${column}, ${floor})`.execute(trx);
  }
}

/** Totals of series that nobody knows any more must not become those of others. */
async function skipNumbers(trx: Trx, kind: Kind): Promise<void> {
  const { series, levels } = kinds[kind];
  const tables = ['quarter', 'hour', 'day'].map((level) => sql.table(`${levels}_${level}`));
  const used = tables.map((table) => sql`select max(series) as number from ${table}`);
  await sql`
    select setval(pg_get_serial_sequence(${series}, 'id'), ${numbersLeftOut} + coalesce(max(number), 0))
    from (${sql.join(used, sql` union all `)}) as used`.execute(trx);
}

/** Every quarter hour of which there are rows, or may be when they are due. */
async function noteAllQuarters(trx: Trx, kind: Kind, afterS: number): Promise<void> {
  const { table } = kinds[kind];
  const floor = sql.ref(kinds[kind].floor);
  const isThere = sql`"timestamp" >= (select ${floor} from rollup_state)`;
  const atOnce = sql`
    select distinct ${quarterOf(sql`"timestamp"`)} as bucket from ${sql.table(table)}
    where ${isThere} and ${isRolledTime(sql`"timestamp"`)}`;
  const due = sql`(now() + ${afterS} * interval '1 second')`;
  const onWorkers = await isDistributed(trx, table);
  await sql`
    insert into rollup_repairs (kind, bucket, noted_at)
    select ${kind}, bucket, ${due} from (
      ${onWorkers ? atOnce : quartersOf(table, isThere)}
      union select ${quarterOf(sql`now()`)} union select ${quarterOf(due)}
    ) as quarters
    on conflict (kind, bucket) do update set noted_at = excluded.noted_at`.execute(trx);
}
