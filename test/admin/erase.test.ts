import { uuidv7 } from 'uuidv7';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { usageBatch } from '../support/calls.ts';
import { startCollector, type TestCollector } from '../support/collector.ts';
import { runCommand } from '../support/command.ts';
import { createCommitter } from '../support/committer.ts';
import { postJson } from '../support/http.ts';

let telemetry: TestCollector;
beforeAll(async () => {
  telemetry = await startCollector();
});
afterAll(() => telemetry.stop());

const erase = (...args: string[]) =>
  runCommand(['erase', ...args], { DATABASE_URL: telemetry.database.url });
const post = (path: string, body: object) =>
  postJson(`${telemetry.baseUrl}/v1/telemetry/${path}`, body);
const users = () =>
  telemetry.database.rows(
    'select coalesce(user_id, session_id, model) as whose from usage_stats order by 1',
  );

it('removes what is stored of a user or a session, and nothing else', async () => {
  const { database } = telemetry;
  await database.rows(`alter table usage_stats add constraint no_bad check (team <> 'bad')`);
  await post('batch', {
    events: [
      { event_type: 'A', metadata: { user_id: 'ann' } },
      { event_type: 'B', metadata: { resource: { 'user.id': 'ann' } } },
      { event_type: 'C', component: 'ann', metadata: { user_id: 'bob' } },
    ],
    usage: [
      { model: 'm', user_id: 'ann', response_id: 'r' },
      { model: 'm', metadata: { userId: 'ann' } },
      { model: 'm', user_id: 'ann', team: 'bad' },
      { model: 'm', user_id: 'bob', team: 'bad' },
      { model: 'm', user_id: 'bob', session_id: 'ann' },
      { model: 'm', session_id: 's' },
    ],
  });
  const counts = 'system_telemetry: 2 X\nusage_stats: 2 X\ndead_letters: 1 X\n';
  const dry = await erase('--user', 'ann', '--dry-run');
  expect(dry).toMatchObject({ code: 0, stdout: counts.replaceAll('X', 'would be erased') });
  expect(await users()).toHaveLength(4);
  expect(await erase('--user', 'ann')).toMatchObject({
    code: 0,
    stdout: counts.replaceAll('X', 'erased'),
  });
  expect(await users()).toEqual([{ whose: 'bob' }, { whose: 's' }]);
  expect(await database.count('select count(*) from system_telemetry')).toBe(1);
  expect(await database.count('select count(*) from dead_letters')).toBe(1);
  expect(await erase('--session', 's')).toMatchObject({ code: 0 });
  expect(await users()).toEqual([{ whose: 'bob' }]);
  const audit = await database.rows(
    'select action, detail from telemetry_audit order by recorded_at',
  );
  expect(audit).toMatchObject([
    { action: 'records erased', detail: { by: 'user_id', erased: { usage_stats: 2 } } },
    { action: 'records erased', detail: { by: 'session_id' } },
  ]);
  // Another record of an erased call is none of a new one.
  const again = await post('usage', { model: 'm', response_id: 'r', user_id: 'ann' });
  expect(again.body).toMatchObject({ duplicate: true });
  expect(await users()).toEqual([{ whose: 'bob' }]);
});

it('has what spools hold passed over, and what is sent later stored', async () => {
  const { committer, end } = createCommitter(telemetry.database, 'spool');
  const spooled = usageBatch([
    { userId: 'eve' },
    { userId: 'dan' },
    { metadata: { resource: { 'user.id': 'eve' } } },
  ]);
  await erase('--user', 'eve');
  const batches = [spooled, usageBatch([{ userId: 'eve' }])];
  expect(await committer.commit({ id: uuidv7(), batches })).toEqual([
    { kind: 'stored', erased: { event: 0, usage: 2 } },
    { kind: 'stored' },
  ]);
  await end();
  expect(await users()).toEqual([{ whose: 'bob' }, { whose: 'dan' }, { whose: 'eve' }]);
});

it('needs to be told of whom', async () => {
  for (const args of [[], ['--user', ''], ['--user', 'a', '--session', 'b']]) {
    const { code, stderr } = await erase(...args);
    expect(code).not.toBe(0);
    expect(stderr).toMatch(/either --user or --session is needed/);
  }
});
