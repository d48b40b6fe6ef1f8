import { type Kysely, sql } from 'kysely';
import type pg from 'pg';
import { StartError } from '../../errors.ts';
import { type DataTable, dataTables } from '../expected-tables.ts';
import { withMaintenanceLock } from '../maintenance-lock.ts';
import { hasOlderNames } from '../older-names.ts';
import type { Database } from '../schema.ts';
import { withShortLocks } from '../short-locks.ts';
import { layoutOf } from './layout.ts';

/** What is done to a table or function, and how long it took; `ms` is absent where it is only planned. */
export interface Step {
  readonly what: string;
  readonly done: string;
  readonly ms?: number;
}

interface Work extends Step {
  readonly run?: (db: Kysely<Database>) => Promise<unknown>;
}

/**
 * How long a try waits for the lock, with writers queueing behind it: their batches are spooled
 * meanwhile, as they are while rows are copied.
 */
const triesMs = [1000, 2000, 4000, 8000, 10_000];

/**
 * Spreads the tables of rows over the workers, by the id of a row, and leaves all others on the
 * coordinator (decision 30). Done again it does only what is missing. Each step is a transaction of
 * its own; collectors may run meanwhile.
 */
export async function distribute(
  db: Kysely<Database>,
  pool: pg.Pool,
  shards: number,
  isDry: boolean,
): Promise<Step[]> {
  await refuseUnfinished(db);
  const done: Step[] = [];
  for (const { run, ...step } of await work(db, shards)) {
    if (!run || isDry) {
      done.push(step);
      continue;
    }
    const startedMs = performance.now();
    await withMaintenanceLock(pool, () => run(db));
    done.push({ ...step, ms: Math.round(performance.now() - startedMs) });
  }
  return done;
}

/** All of that is done one partition after the other, in transactions of one server. */
async function refuseUnfinished(db: Kysely<Database>): Promise<void> {
  const { rows } = await sql<{ what: string }>`
    select 'rows from before there were rollups are still being read' as what
    from rollup_history where finished_at is null
    union all
    select 'rows of older tables are still being copied' from adoption where finished_at is null
    union all
    (select 'rows that a collector of an earlier release has claimed are still to be corrected'
      from usage_stats where rolled and ${hasOlderNames} limit 1)`.execute(db);
  const [first] = rows;
  if (!first) return;
  throw new StartError(
    `${first.what}: let a collector finish that (GET /health says how far it is), and run this again`,
  );
}

async function work(db: Kysely<Database>, shards: number): Promise<Work[]> {
  const layout = await layoutOf(db);
  const [first] = dataTables;
  const inUse = [...layout.values()][0]?.shards ?? shards;
  const tables = dataTables.map((table): Work => {
    const known = layout.get(table);
    const beside = table === first ? 'none' : first;
    return known
      ? { what: table, done: `is distributed by id, in ${known.shards} shards` }
      : {
          what: table,
          done: `distribute by id, in ${inUse} shards${beside === 'none' ? '' : `, beside ${beside}`}`,
          run: (db) => distributeTable(db, table, inUse, beside ?? 'none'),
        };
  });
  const missing = await localFunctions(db);
  const functions = missing.map((name) => ({
    what: name,
    done: 'make known to the workers',
    run: (db: Kysely<Database>) =>
      sql`select create_distributed_function(${name}::regprocedure)`.execute(db),
  }));
  const remains = await localCopies(
    db,
    layout,
    tables.some(({ run }) => run !== undefined),
  );
  return [...functions, ...tables, ...remains];
}

async function distributeTable(
  db: Kysely<Database>,
  table: DataTable,
  shards: number,
  beside: string,
): Promise<void> {
  await withShortLocks(
    db,
    async (trx) => {
      await sql`set local citus.multi_shard_modify_mode = 'sequential'`.execute(trx);
      // All rows are copied by one statement.
      await sql`set local statement_timeout = 0`.execute(trx);
      await sql`
        select create_distributed_table(${table}, 'id', colocate_with => ${beside}
          ${beside === 'none' ? sql`, shard_count => ${sql.lit(shards)}` : sql``})`.execute(trx);
    },
    triesMs,
  );
}

/** Functions of ours that questions use of rows, and that workers do not have. */
async function localFunctions(db: Kysely<Database>): Promise<string[]> {
  const { rows } = await sql<{ name: string }>`
    select proc.oid::regprocedure::text as name
    from pg_proc as proc join pg_namespace as space on space.oid = pronamespace
    where nspname = current_schema() and proname in ('telemetry_sketch_key', 'telemetry_sketch_middle')
      and not exists (
        select from pg_catalog.pg_dist_object where classid = 'pg_proc'::regclass and objid = proc.oid
      ) order by 1`.execute(db);
  return rows.map(({ name }) => name);
}

/** What lay in a table before it was distributed lies there still, where nobody sees it. */
async function localCopies(
  db: Kysely<Database>,
  layout: Awaited<ReturnType<typeof layoutOf>>,
  willBe: boolean,
): Promise<Work[]> {
  const works: Work[] = [];
  for (const table of dataTables) {
    const { rows } = await sql<{ bytes: number }>`
      select coalesce(sum(pg_relation_size(relid)), 0)::bigint as bytes
      from pg_partition_tree(to_regclass(${table})) where isleaf`.execute(db);
    const bytes = rows[0]?.bytes ?? 0;
    if (bytes === 0 || !(willBe || layout.has(table))) continue;
    works.push({
      what: table,
      done: `remove the coordinator's copy of its rows, ${bytes} bytes`,
      run: (db) =>
        withShortLocks(
          db,
          (trx) => sql`select truncate_local_data_after_distributing_table(${table})`.execute(trx),
          triesMs,
        ),
    });
  }
  return works;
}
