import { join } from 'node:path';
import { uuidv7 } from 'uuidv7';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { runCommand } from '../support/command.ts';
import { createDatabase, type TestDatabase } from '../support/database.ts';
import { getJson, postJson } from '../support/http.ts';
import { accountOf, imbalance, metric } from '../support/metrics.ts';
import { unpackRelease } from '../support/older-releases.ts';
import { beginOutage } from '../support/outage.ts';
import { type CollectorProcess, spawnCollector } from '../support/process.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';

let database: TestDatabase;
let directory: ReturnType<typeof temporaryDirectory>;
const running: CollectorProcess[] = [];
beforeEach(async () => {
  database = await createDatabase('empty');
  directory = temporaryDirectory();
});
afterEach(async () => {
  await Promise.all(running.splice(0).map((collector) => collector.end('SIGTERM')));
  await database.drop();
  directory.remove();
});

async function start(data: string, root?: string): Promise<CollectorProcess> {
  const env = { DATABASE_URL: database.url, TELEMETRY_DATA_DIR: join(directory.path, data) };
  const collector = await spawnCollector(env, [], root ? { root } : {});
  running.push(collector);
  return collector;
}

const record = (session: string) => ({
  model: session,
  layer: 'L2',
  provider: 'openai',
  prompt_tokens: 100,
  completion_tokens: 20,
  duration_ms: 12.5,
  cost_usd: 0.25,
});
const send = async ({ baseUrl }: CollectorProcess, batch: object) =>
  (await postJson(`${baseUrl}/v1/telemetry/batch`, batch)).body;
const batchOf = (...models: string[]) => ({
  batch_id: uuidv7(),
  events: models.map((event_type) => ({ event_type, value: 1 })),
  usage: models.map(record),
});

const rowsOf = (model: string) =>
  database.rows(
    `select model, layer, provider, prompt_tokens::int, completion_tokens::int, duration_ms, cost_usd::float8, cost_source,
      usage_rule, session_id, response_id
    from usage_stats where model = $1`,
    [model],
  );
/** What it did not know of is null. */
const asBefore = (model: string) => ({
  ...record(model),
  cost_source: null,
  usage_rule: null,
  session_id: null,
  response_id: null,
});

/** What services of the second generation insert, whose table has other names. */
const secondGeneration = `
  insert into usage_stats (ghost_id, shell_id, model_name, tokens_input, tokens_output, cost_usd)
    values ('ghost', 'shell', 'second', 1000, 200, 0.1)`;

/** What services still insert by themselves. */
const directInserts = `
  insert into usage_stats (model, layer, prompt_tokens, completion_tokens, duration_ms)
    values ('direct', 'L1', 7, 8, 9);
  insert into system_telemetry (event_type, component, value, metadata, status)
    values ('DIRECT', 'L1', 1, '{}', 'OK')`;

async function untilTakenOver({ baseUrl }: CollectorProcess): Promise<void> {
  const left = 'select count(*) from usage_stats where tokens_input is not null or rolled is false';
  await expect.poll(() => database.count(left), { timeout: 60_000 }).toBe(0);
  const { body } = await getJson(`${baseUrl}/v1/telemetry/usage/summary?model=second`);
  expect(body).toMatchObject({
    requests: 1,
    input_tokens: 1000,
    output_tokens: 200,
    cost_usd: 0.1,
  });
}

describe.each([
  'the first release',
  'the release before usage records had prices and ids',
] as const)('after %s', (release) => {
  it('nothing that it has stored, spooled or set aside is lost, and it goes on beside', async () => {
    const root = unpackRelease(release, directory.path);
    const old = await start('old', root);
    await database.rows(`alter table usage_stats add constraint no_bad check (layer <> 'bad')`);
    const committed = batchOf('committed');
    expect(await send(old, committed)).toMatchObject({ usage: 1, duplicate: false });
    await send(old, { usage: [{ ...record('dead'), layer: 'bad' }], events: [] });
    await database.rows(directInserts);
    const endOutage = await beginOutage(database);
    const spooled = batchOf('spooled', 'spooled too');
    expect(await send(old, spooled)).toMatchObject({ durability: 'DURABILITY_SPOOLED' });
    await old.end('SIGKILL');
    await endOutage();

    const ours = await start('old');
    const account = async () => {
      const [events, usage] = [
        await accountOf(ours.baseUrl),
        await accountOf(ours.baseUrl, 'usage_stats'),
      ];
      return { events, usage };
    };
    await expect
      .poll(account, { timeout: 20_000 })
      .toMatchObject({ events: { recovered: 2, pending: 0 }, usage: { recovered: 2, pending: 0 } });
    expect(imbalance((await account()).usage)).toBe(0);
    for (const model of ['committed', 'spooled', 'spooled too']) {
      expect(await rowsOf(model)).toEqual([asBefore(model)]);
    }
    // Sent again, what the old one has taken is known, whichever way it came.
    expect(await send(ours, committed)).toMatchObject({ duplicate: true });
    expect(await send(ours, spooled)).toMatchObject({ duplicate: true });
    expect(await database.count(`select count(*) from usage_stats`)).toBe(4);

    await database.rows('alter table usage_stats drop constraint no_bad');
    const replay = await runCommand(['dead-letters', 'replay', 'all'], {
      DATABASE_URL: database.url,
    });
    expect(replay).toMatchObject({ code: 0, stdout: '1 replayed, 0 not\n' });
    expect(await rowsOf('dead')).toEqual([{ ...asBefore('dead'), layer: 'bad' }]);

    const beside = await start('beside', root);
    const [first, second] = [batchOf('ours first'), batchOf('theirs first')];
    expect(await send(ours, first)).toMatchObject({ duplicate: false });
    expect(await send(beside, first)).toMatchObject({ duplicate: true });
    expect(await send(beside, second)).toMatchObject({ duplicate: false });
    expect(await send(ours, second)).toMatchObject({ duplicate: true });
    expect(await rowsOf('theirs first')).toEqual([asBefore('theirs first')]);
    expect(await rowsOf('ours first')).toMatchObject([
      { cost_source: 'client', usage_rule: 'contract' },
    ]);
    await database.rows(directInserts);
    expect(await database.count(`select count(*) from usage_stats where model = 'direct'`)).toBe(2);
    await database.rows(secondGeneration);
    await untilTakenOver(ours);
  }, 120_000);

  it('one goes back to it with a full spool, and nothing of that is lost', async () => {
    const root = unpackRelease(release, directory.path);
    const ours = await start('data');
    const committed = batchOf('committed');
    await send(ours, committed);
    const endOutage = await beginOutage(database);
    const spooled = batchOf('spooled', 'spooled too');
    expect(await send(ours, spooled)).toMatchObject({ durability: 'DURABILITY_SPOOLED' });
    await ours.end('SIGKILL');
    await endOutage();
    const old = await start('data', root);
    const left = () => metric(old.baseUrl, 'telemetry_spool_bytes');
    await expect.poll(left, { timeout: 60_000 }).toBe(0);
    // Whatever it makes of rows that have more columns than it knows.
    expect(await send(old, committed)).toMatchObject({ duplicate: true });
    expect(await send(old, spooled)).toMatchObject({ duplicate: true });
    await old.end('SIGTERM');
    await start('data');
    const env = { DATABASE_URL: database.url };
    expect(await runCommand(['dead-letters', 'replay', 'all'], env)).toMatchObject({ code: 0 });
    for (const model of ['committed', 'spooled', 'spooled too']) {
      expect(await rowsOf(model)).toMatchObject([{ cost_source: 'client', prompt_tokens: 100 }]);
    }
    expect(await database.count('select count(*) from system_telemetry')).toBe(3);
    expect(await database.count('select count(*) from dead_letters')).toBe(0);
  }, 120_000);
});

it('a row that a collector of before has claimed without its names is counted by them in the end', async () => {
  const ours = await start('ours');
  await ours.end('SIGTERM');
  const old = await start(
    'old',
    unpackRelease('the sweep before it knew of older names', directory.path),
  );
  await database.rows(secondGeneration);
  const claimed = 'select count(*) from usage_stats where rolled';
  await expect.poll(() => database.count(claimed), { timeout: 60_000 }).toBe(1);
  await untilTakenOver(await start('ours'));
  await old.end('SIGTERM');
  const verified = await runCommand(['rollups', 'verify'], { DATABASE_URL: database.url });
  expect(verified).toMatchObject({ code: 0 });
}, 180_000);
