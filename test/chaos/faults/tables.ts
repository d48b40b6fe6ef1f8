import { randomBytes } from 'node:crypto';
import type pg from 'pg';
import { getJson } from '../../support/http.ts';
import { olderTelemetry, olderUsage } from '../../support/older-tables.ts';
import { comes, type Fault } from '../fault.ts';
import { role } from '../postgres.ts';
import type { Random } from '../random.ts';
import { rebuildRollups } from '../rollups.ts';
import { type Send, senders } from '../senders.ts';
import type { World } from '../world.ts';

const tables = ['system_telemetry', 'usage_stats'] as const;
type Table = (typeof tables)[number];

/** As whom rows are sent that older services insert: they are adopted, and so come back. */
export const olderClient = 'older service';
export const refusedClient = 'refused';

/** After a silence, too, which is given up after half a minute. */
const remadeMsMax = 60_000;
const readyMsMax = 30_000;
/** For each row that is to be moved, on a machine that does all this at once. */
const movedRowMs = 0.1;
const answeredMsMax = 10_000;
const recoveredMsMax = 60_000;

/** Remembers what a table holds for `compare`, but what an adoption will bring back, and drops it. */
const keepAndDrop: Readonly<Record<Table, string>> = {
  system_telemetry: `
    lock table system_telemetry in access exclusive mode;
    insert into chaos.kept_events select value from system_telemetry
      where component is distinct from '${olderClient}';
    drop table system_telemetry cascade`,
  usage_stats: `
    lock table usage_stats in access exclusive mode;
    insert into chaos.kept_usage select prompt_tokens from usage_stats;
    drop table usage_stats cascade`,
};

/** One transaction, again where PostgreSQL ends it for the sake of others. */
async function transaction(world: World, work: (client: pg.Client) => Promise<void>) {
  for (let tries = 1; ; tries++) {
    try {
      await world.postgres.session(async (client) => {
        await client.query('begin');
        await work(client);
        await client.query('commit');
      });
      return;
    } catch (error) {
      if ((error as pg.DatabaseError).code !== '40P01' || tries === 10) throw error;
    }
  }
}

const hasTable = async ({ postgres }: World, table: Table): Promise<boolean> => {
  const query = `select from pg_partitioned_table where partrelid = to_regclass('${table}')`;
  return (await postgres.admin(query)).length > 0;
};

async function untilRemade(world: World, dropped: readonly Table[]): Promise<boolean> {
  for (const table of dropped) {
    if (await comes(() => hasTable(world, table), remadeMsMax)) continue;
    world.violations.push(`${table} was not made anew within ${remadeMsMax} ms`);
  }
  // What was dropped is still rolled up, and clients go on.
  await rebuildRollups(world.postgres);
  return true;
}

async function dropTables(world: World, random: Random): Promise<boolean> {
  const dropped = random.pick<readonly Table[]>([['system_telemetry'], ['usage_stats'], tables]);
  await transaction(world, async (client) => {
    for (const table of dropped) await client.query(keepAndDrop[table]);
  });
  return await untilRemade(world, dropped);
}

/** What the application's router does: both tables dropped, and made in the older shape, and used. */
async function bringBackOlderTables(world: World, random: Random): Promise<boolean> {
  const delivery = world.deliveries.create(olderClient, random.between(1, 50), 0);
  const [first, count] = delivery.events;
  await transaction(world, async (client) => {
    for (const table of tables) await client.query(keepAndDrop[table]);
    await client.query(`set local role ${role}`);
    await client.query(`${olderTelemetry}; ${olderUsage}`);
    await client.query(`
      insert into system_telemetry (event_type, component, value)
      select 'CHAOS', '${olderClient}', n from generate_series(${first}, ${first + count - 1}) as n`);
  });
  delivery.state = 'acknowledged';
  return await untilRemade(world, tables);
}

/** Rules under which a row is refused, of which no class of SQLSTATE says that it is the row. */
const refusals: readonly ((key: string) => string)[] = [
  (key) => `create index ${key} on system_telemetry ((metadata->>'${key}'))`,
  ...['P0001', '42501', 'XX000', '23514', '40001', '53100', '55P03', '57014'].map(
    (sqlState) => (key: string) =>
      `
      create function chaos.${key}() returns trigger language plpgsql as $$ begin
        if new.metadata ? '${key}' then
          raise exception using errcode = '${sqlState}', message = 'refused';
        end if;
        return new;
      end $$;
      create trigger ${key} before insert on system_telemetry for each row execute function chaos.${key}()`,
  ),
];

/** Locks first, and so waits for others and never for each other. */
const change = (world: World, ddl: string): Promise<void> =>
  transaction(world, async (client) => {
    await client.query(`lock table system_telemetry in access exclusive mode; ${ddl}`);
  });

async function refuseRows(world: World, random: Random): Promise<boolean> {
  const { postgres, deliveries, access } = world;
  const key = `chaos_${deliveries.events}`;
  // No index takes so much that can't be made smaller.
  const metadata = { [key]: randomBytes(8000).toString('base64') };
  if (!(await hasTable(world, 'system_telemetry'))) return false;
  await postgres.admin(`grant usage on schema chaos to ${role}`);
  await change(world, random.pick(refusals)(key));
  const delivery = deliveries.create(refusedClient, random.between(1, 8), 0, metadata);
  const send = senders.grpc?.(`http://127.0.0.1:${access.port}`) as Send;
  const isAnswered = async () => {
    if (delivery.state === 'unknown') deliveries.note(delivery, await send(delivery, 2000));
    return delivery.state === 'acknowledged';
  };
  await comes(isAnswered, answeredMsMax);
  const letter = `select from dead_letters where batch_id = '${delivery.id}'`;
  const met = await comes(async () => (await postgres.admin(letter)).length > 0, answeredMsMax);
  await change(world, `drop index if exists ${key}; drop function if exists chaos.${key} cascade`);
  await comes(isAnswered, recoveredMsMax);
  return met;
}

interface Today {
  readonly name: string;
}

/** Other days may have rows outside of their partitions too, since clocks jump. */
const isOfToday = `"timestamp" between date_trunc('day', now(), 'UTC') and now()`;
const today = `select tableoid::regclass::text as name from system_telemetry
  where ${isOfToday} and tableoid <> 'system_telemetry_default'::regclass limit 1`;
const strays = `select from only system_telemetry_default where ${isOfToday} limit 1`;

/** The rows of today lie in the default partition, and clients send while a collector starts. */
async function startWithoutPartition(world: World): Promise<boolean> {
  const find = async () => (await world.postgres.admin<Today>(today))[0];
  await comes(async () => (await find()) !== undefined);
  const partition = await find();
  if (!partition) return false;
  await world.stopCollector('SIGTERM');
  const rows = await world.postgres.admin<{ count: number }>(
    `select count(*)::int as count from ${partition.name}`,
  );
  const wellMsMax = readyMsMax + movedRowMs * (rows[0]?.count ?? 0);
  await transaction(world, async (client) => {
    await client.query(`
      alter table system_telemetry detach partition ${partition.name};
      insert into system_telemetry select * from ${partition.name};
      drop table ${partition.name}`);
  });
  await world.startCollector();
  const isWell = async () => {
    const { body, status } = await getJson(`${world.collector.baseUrl}/readyz`);
    const left = await world.postgres.admin(strays);
    const partitions = body.reasons.some((reason: string) => reason.startsWith('partitions'));
    return status === 200 && !partitions && left.length === 0;
  };
  if (!(await comes(isWell, wellMsMax))) {
    const obstacles = await whatIsInTheWay(world).catch((error) => [String(error)]);
    const told = `not ready within ${wellMsMax} ms of a start under load`;
    world.violations.push(`${told}: ${obstacles.join('; ')}`);
  }
  return true;
}

/** What the collector says, and whose transactions keep the table from getting its partition. */
async function whatIsInTheWay({ collector, postgres }: World): Promise<string[]> {
  const { body } = await getJson(`${collector.baseUrl}/readyz`);
  const holders = await postgres.admin<{ holder: string }>(`
    select concat_ws(' ', application_name, state, wait_event_type, wait_event,
      extract(epoch from now() - xact_start)::int || ' s', left(query, 80)) as holder
    from pg_stat_activity where pid in (
      select pid from pg_locks where granted and mode <> 'AccessShareLock'
        and relation in ('system_telemetry'::regclass, 'system_telemetry_default'::regclass))`);
  return [...body.reasons, ...holders.map(({ holder }) => holder)];
}

/** Nothing else may befall who is to be ready in time. */
const alone = ['postgres', 'network', 'collector'] as const;

export const tableFaults: Readonly<Record<string, Fault>> = {
  'tables dropped': { parts: ['postgres', 'network', 'collector'], run: dropTables },
  'tables of an older shape': {
    parts: ['postgres', 'network', 'collector'],
    run: bringBackOlderTables,
  },
  'rows refused': { parts: ['postgres'], run: refuseRows },
  'start under load, partition missing': { parts: alone, run: startWithoutPartition },
};
