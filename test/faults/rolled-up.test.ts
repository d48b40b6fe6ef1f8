import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import { uuidv7 } from 'uuidv7';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { repair } from '../../src/rollup/repair.ts';
import { verify } from '../../src/rollup/verify.ts';
import { compare } from '../rollup/raw.ts';
import { expectUsageExact } from '../rollup/usage-raw.ts';
import { createDatabase, type TestDatabase } from '../support/database.ts';
import { postJson } from '../support/http.ts';
import { unpackRelease } from '../support/older-releases.ts';
import { type CollectorProcess, spawnCollector } from '../support/process.ts';
import { rollupWork } from '../support/rollup-work.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';

const heldMs = 30_000;
const program = new URL('../../src/main.ts', import.meta.url).pathname;

let database: TestDatabase;
let directory: ReturnType<typeof temporaryDirectory>;
let collectors: CollectorProcess[];
let clients: pg.Client[];
let ending: AbortController;
let running: Promise<unknown>[];
beforeEach(async () => {
  database = await createDatabase();
  directory = temporaryDirectory();
  collectors = [];
  clients = [];
  ending = new AbortController();
  running = [];
});
afterEach(async () => {
  ending.abort();
  await Promise.allSettled(running);
  await Promise.all(collectors.map((collector) => collector.end('SIGKILL')));
  await Promise.all(clients.map((client) => client.end()));
  await database.drop();
  directory.remove();
});

const env = (name: string) => ({
  DATABASE_URL: database.url,
  TELEMETRY_DATA_DIR: `${directory.path}/${name}`,
});

async function connect(): Promise<pg.Client> {
  const client = new pg.Client({ connectionString: database.url });
  await client.connect();
  clients.push(client);
  return client;
}

const insert = `
  with stored as (
    insert into usage_stats (model, layer, prompt_tokens, duration_ms, "timestamp")
    select 'direct', 'L' || i, i, i, now() - i * interval '7 hours' from generate_series(1, 3) as i
  )
  insert into system_telemetry (event_type, component, value, "timestamp")
  select 'DIRECT', 'older', i, now() - i * interval '5 hours' from generate_series(1, 3) as i`;

/** Batches of both kinds, whose calls are told of twice, the second time with more. */
function batches(number: number) {
  const usage = [0, 1].map((index) => ({
    model: 'gpt-5',
    provider: 'openai',
    response_id: `r${number - index}`,
    input_tokens: 10,
    duration_ms: number % 50,
    ...(index === 1 && { layer: `L${number % 2}`, cost_usd: 0.25 }),
  }));
  const events = [{ event_type: 'POSTED', component: `c${number % 5}`, value: number % 100 }];
  return { batch_id: uuidv7(), events, usage };
}

async function keepPosting(urls: () => readonly string[], ending: AbortSignal): Promise<number> {
  let taken = 0;
  for (let number = 1; !ending.aborted; number++) {
    for (const url of urls()) {
      const { status } = await postJson(`${url}/v1/telemetry/batch`, batches(number)).catch(() => ({
        status: 0,
      }));
      if (status === 200) taken += 1;
    }
    await sleep(30);
  }
  return taken;
}

async function keepInserting(ending: AbortSignal): Promise<void> {
  const client = await connect();
  while (!ending.aborted) {
    await client.query(insert);
    await sleep(100);
  }
}

/** Has what is done to a table come to a stop in the middle of a transaction, and kills who does it. */
async function killAt(what: string, victim: () => Promise<unknown>): Promise<void> {
  await database.rows(`
    create or replace function pause() returns trigger language plpgsql as $$ begin
      if current_setting('application_name') like '%rollups%' then perform pg_sleep(4); end if;
      return null;
    end $$`);
  await database.rows(
    `create trigger pause before ${what} for each statement execute function pause()`,
  );
  const paused = `select count(*) from pg_stat_activity
    where datname = current_database() and wait_event = 'PgSleep'`;
  await expect.poll(() => database.count(paused), { timeout: 40_000 }).toBeGreaterThan(0);
  await victim();
  await database.rows(`drop trigger pause on ${what.replace(/.* on /, '')}`);
}

/** Only who computes anew deletes hours, unless a quarter hour ends just then. */
async function killRebuilding(): Promise<void> {
  const rebuilding = spawn(
    process.execPath,
    ['--disable-warning=ExperimentalWarning', program, 'rollups', 'rebuild'],
    {
      env: { ...process.env, ...env('command') },
      stdio: 'ignore',
    },
  );
  await killAt('delete on event_rollup_hour', async () => {
    rebuilding.kill('SIGKILL');
    await once(rebuilding, 'exit');
  });
}

describe('rollups of two collectors, one of an earlier release', () => {
  it('are exact though one is killed while it folds, sweeps and rebuilds', async () => {
    const root = unpackRelease(
      'the release before usage records had prices and ids',
      directory.path,
    );
    collectors.push(await spawnCollector(env('new')));
    collectors.push(await spawnCollector(env('old'), [], { root }));
    const held = await connect();
    const heldSince = performance.now();
    await held.query(`begin; ${insert}`);
    const posting = keepPosting(() => collectors.map(({ baseUrl }) => baseUrl), ending.signal);
    const inserting = keepInserting(ending.signal);
    running.push(posting, inserting);
    const kill = async () => {
      await collectors[0]?.end('SIGKILL');
    };
    // In the middle of folding, and of claiming what others have inserted.
    for (const what of ['insert on usage_rollup_quarter', 'insert on rollup_fresh']) {
      await killAt(what, kill);
      collectors[0] = await spawnCollector(env('new'));
    }
    await killRebuilding();
    await sleep(Math.max(0, heldMs - (performance.now() - heldSince)));
    await held.query('commit');
    ending.abort();
    await inserting;
    expect(await posting).toBeGreaterThan(50);

    const left = `select (select count(*) from rollup_fresh)
      + (select count(*) from system_telemetry where rolled is false)
      + (select count(*) from usage_stats where rolled is false)`;
    await expect.poll(() => database.count(left), { timeout: 40_000 }).toBe(0);
    await Promise.all(collectors.map((collector) => collector.end('SIGTERM')));
    const work = rollupWork(database);
    expect((await verify(work.db, {})).differences).toEqual([]);
    await database.rows(`update rollup_repairs set noted_at = noted_at - interval '1 hour'`);
    await database.rows(`update rollup_state set settled_at = now() + interval '15 minutes'`);
    for (const series of work.series) while (await repair(work.db, work.writer, series));
    const { raw, rolled } = await compare(database);
    expect(rolled).toEqual(raw);
    await expectUsageExact(database, ['quarter']);
    await work.end();
    const filled = `select count(*) from usage_stats where layer is not null and response_id is not null`;
    expect(await database.count(filled)).toBeGreaterThan(20);
  }, 240_000);
});
