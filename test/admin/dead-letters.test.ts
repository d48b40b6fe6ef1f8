import { Code, createClient } from '@connectrpc/connect';
import { createGrpcTransport } from '@connectrpc/connect-node';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { DeadLetterService } from '../../gen/typescript/gravitas/telemetry/v1/dead_letter_pb.js';
import { startCollector, type TestCollector } from '../support/collector.ts';
import { runCommand } from '../support/command.ts';
import { postJson } from '../support/http.ts';
import { accountOf, imbalance } from '../support/metrics.ts';

let telemetry: TestCollector;
const client = () =>
  createClient(DeadLetterService, createGrpcTransport({ baseUrl: telemetry.baseUrl }));
const stored = () => telemetry.database.count('select count(*) from system_telemetry');

beforeEach(async () => {
  telemetry = await startCollector();
  await telemetry.database.rows(
    `alter table system_telemetry add constraint small check (value < 100)`,
  );
  const events = [1, 200, 3, 400].map((value) => ({ event_type: 'SIZED', value }));
  const { body } = await postJson(`${telemetry.baseUrl}/v1/telemetry/batch`, { events });
  expect(body).toMatchObject({ durability: 'DURABILITY_COMMITTED', rejected: 0 });
});
afterEach(() => telemetry.stop());

it('keeps refused rows, and stores them when they are replayed', async () => {
  expect(await stored()).toBe(2);
  const { deadLetters, total } = await client().listDeadLetters({});
  expect(total).toBe(2n);
  expect(deadLetters.map(({ payload }) => payload?.value).sort()).toEqual([200, 400]);
  expect(deadLetters[0]).toMatchObject({
    tableName: 'system_telemetry',
    reason: expect.stringMatching(/small.*23514/),
  });
  const ids = deadLetters.map(({ id }) => id);
  const refused = await client().replayDeadLetters({ ids });
  expect(refused).toMatchObject({
    replayed: 0,
    failures: [{ reason: expect.stringContaining('small') }, {}],
  });
  await telemetry.database.rows('alter table system_telemetry drop constraint small');
  expect(await client().replayDeadLetters({ ids })).toMatchObject({ replayed: 2, failures: [] });
  expect(await client().replayDeadLetters({ ids })).toMatchObject({
    replayed: 0,
    failures: [{}, {}],
  });
  expect(await stored()).toBe(4);
  const account = await accountOf(telemetry.baseUrl);
  expect(account).toMatchObject({ received: 4, stored: 2, dead_lettered: 2 });
  expect(imbalance(account)).toBe(0);
});

it('names what is wrong with ids', async () => {
  await expect(client().dropDeadLetters({ ids: ['x'] })).rejects.toMatchObject({
    code: Code.InvalidArgument,
    rawMessage: expect.stringContaining('"x"'),
  });
});

it('does not stop at the thousandth', async () => {
  await telemetry.database.rows(
    `insert into dead_letters (batch_id, table_name, "row", payload, reason, created_at)
      select gen_random_uuid(), 'system_telemetry', "row", '{}', 'many', now() - n * interval '1 s'
      from generate_series(1, 1001) as n, (select "row" from dead_letters limit 1) as refused`,
  );
  const run = (...args: string[]) =>
    runCommand(['dead-letters', ...args], { DATABASE_URL: telemetry.database.url });
  const [oldest] = await telemetry.database.rows<{ id: string }>(
    'select id from dead_letters order by created_at limit 1',
  );
  expect(JSON.parse((await run('show', oldest?.id ?? '')).stdout)).toMatchObject(oldest ?? {});
  expect((await run('replay', 'all')).stdout).toBe('0 replayed, 1003 not\n');
  await telemetry.database.rows(
    `alter table system_telemetry drop constraint small;
     create table kept as select * from dead_letters`,
  );
  expect((await run('replay', 'all')).stdout).toBe('1003 replayed, 0 not\n');
  expect(await stored()).toBe(1005);
  await telemetry.database.rows('insert into dead_letters select * from kept');
  expect((await run('drop', 'all')).stdout).toBe('1003 dropped\n');
  expect(await telemetry.database.count('select count(*) from dead_letters')).toBe(0);
});

it('does the same on the command line', async () => {
  const run = (...args: string[]) =>
    runCommand(['dead-letters', ...args], { DATABASE_URL: telemetry.database.url });
  expect((await run('list')).stdout).toContain('2 dead letters');
  const [first] = (await client().listDeadLetters({})).deadLetters;
  const shown = await run('show', first?.id ?? '');
  expect(JSON.parse(shown.stdout)).toMatchObject({
    id: first?.id,
    payload: { event_type: 'SIZED' },
  });
  expect(await run('replay', 'all')).toMatchObject({ code: 1, stdout: '0 replayed, 2 not\n' });
  await telemetry.database.rows('alter table system_telemetry drop constraint small');
  expect(await run('replay', first?.id ?? '')).toMatchObject({
    code: 0,
    stdout: '1 replayed, 0 not\n',
  });
  expect((await run('drop', 'all')).stdout).toBe('1 dropped\n');
  expect((await run('list')).stdout).toContain('0 dead letters');
  expect(await stored()).toBe(3);
});
