import { uuidv7 } from 'uuidv7';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { usageBatch } from '../support/calls.ts';
import { startCollector, type TestCollector } from '../support/collector.ts';
import { runCommand } from '../support/command.ts';
import { createCommitter } from '../support/committer.ts';
import { createDatabase } from '../support/database.ts';
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

it.each(['spool', 'callers'] as const)(
  'has what was received before passed over, and what is sent later stored: %s',
  async (origin) => {
    const whose = `eve of ${origin}`;
    const { committer, end } = createCommitter(telemetry.database, origin);
    const held = usageBatch([
      { userId: whose },
      { userId: 'dan' },
      { metadata: { resource: { 'user.id': whose } } },
    ]);
    const before = await users();
    await erase('--user', whose);
    const batches = [held, usageBatch([{ userId: whose }])];
    expect(await committer.commit({ id: uuidv7(), batches })).toEqual([
      { kind: 'stored', erased: { event: 0, usage: 2 } },
      { kind: 'stored' },
    ]);
    await end();
    const added = [{ whose: 'dan' }, { whose }];
    expect(await users()).toEqual(expect.arrayContaining([...before, ...added]));
    expect(await users()).toHaveLength(before.length + 2);
  },
);

it('keeps no dead letters of what was received before', async () => {
  const { committer, end } = createCommitter(telemetry.database, 'spool');
  const id = uuidv7();
  const conflicting = usageBatch([{ userId: 'fay' }, { userId: 'gil' }], id);
  const kept = usageBatch([{ userId: 'fay' }, { userId: 'gil' }]);
  await committer.commit({ id: uuidv7(), batches: [usageBatch([{ userId: 'hal' }], id)] });
  await erase('--user', 'fay');
  const settled = { kind: 'stored', deadLettered: { event: 0, usage: 1 }, erased: { usage: 1 } };
  expect(await committer.commit({ id: uuidv7(), batches: [conflicting] })).toMatchObject([settled]);
  expect(await committer.keep(kept, 'a test')).toMatchObject(settled);
  await end();
  const letters = await telemetry.database.rows(
    `select distinct payload ->> 'user_id' as whose from dead_letters where reason in ('batch_id_conflict', 'a test')`,
  );
  expect(letters).toEqual([{ whose: 'gil' }]);
});

it('erases what can not be read of him alone, whatever way it is kept', async () => {
  const { database } = telemetry;
  const tuple = (user: string) => {
    const length = Buffer.alloc(4);
    length.writeInt32BE(Buffer.byteLength(user));
    return Buffer.concat([Buffer.from('xx'), length, Buffer.from(user), Buffer.from('yy')]);
  };
  const letter = (name: string, row: Buffer, payload: object) =>
    database.rows(
      `insert into dead_letters (id, batch_id, table_name, "row", payload, reason)
       values (gen_random_uuid(), gen_random_uuid(), 'usage_stats', $1, $2, $3)`,
      [row, payload, `kept: ${name}`],
    );
  const text = (metadata: unknown) => ({ row: JSON.stringify({ id: 1, metadata }) });
  const nothing = Buffer.alloc(0);
  await letter('a tuple', tuple('kim'), {});
  await letter('metadata in a tuple', Buffer.from('..{"user.id":"kim"}'), {});
  await letter('an older row', nothing, text({ user_id: 'kim' }));
  await letter('text in an older row', nothing, text('{"user_id": "kim"}'));
  await letter('of kimberly', tuple('kimberly'), {});
  await letter('of an older kimberly', nothing, text({ user_id: 'kimberly' }));
  await letter('of 1 and 42', nothing, text({ user_id: 42 }));
  const kept = async () =>
    (
      await database.rows(`select reason from dead_letters where reason like 'kept: %' order by 1`)
    ).map(({ reason }) => reason);
  expect(await kept()).toHaveLength(7);
  expect((await erase('--user', 'kim')).stdout).toContain('dead_letters: 4 erased');
  expect((await erase('--user', '42')).stdout).toContain('dead_letters: 1 erased');
  expect((await erase('--user', 'kimber')).stdout).toContain('dead_letters: 0 erased');
  expect(await kept()).toEqual(['kept: of an older kimberly', 'kept: of kimberly']);
  await database.rows(`delete from dead_letters where reason like '%kimberly'`);
});

it('knows the names that conventions have for users and conversations', async () => {
  await post('batch', {
    events: [
      { event_type: 'A', metadata: { resource: { user: 'lea' } } },
      { event_type: 'B', metadata: { 'enduser.id': 'lea' } },
      { event_type: 'C', metadata: { 'gen_ai.conversation.id': 'lea' } },
      { event_type: 'D', metadata: { 'conversation.id': 'lea' } },
    ],
    usage: [],
  });
  expect((await erase('--user', 'lea')).stdout).toContain('system_telemetry: 2 erased');
  expect((await erase('--session', 'lea')).stdout).toContain('system_telemetry: 2 erased');
});

it('waits for rows of older tables, which would bring it back', async () => {
  const database = await createDatabase();
  onTestFinished(() => database.drop());
  const eraseThere = () => runCommand(['erase', '--user', 'mia'], { DATABASE_URL: database.url });
  await database.rows(`insert into usage_stats (model, user_id) values ('m', 'mia')`);
  await database.rows(
    `insert into adoption (source, target, number) values ('older', 'usage_stats', 1)`,
  );
  const { code, stderr } = await eraseThere();
  expect(code).not.toBe(0);
  expect(stderr).toMatch(/nothing is erased yet: rows of older are still being copied/);
  // What does not come by itself is waited for by nobody.
  await database.rows(`update adoption set obstacle = 'somebody has to mend it'`);
  expect((await eraseThere()).stdout).toContain('usage_stats: 1 erased');
});

it('waits for what is being stored', async () => {
  const writer = await telemetry.database.pool.connect();
  await writer.query('begin');
  await writer.query('lock table erasures in row share mode');
  await writer.query(`insert into usage_stats (model, user_id) values ('m', 'ida')`);
  const erasing = erase('--user', 'ida');
  const waiting = () =>
    telemetry.database.count(
      `select count(*) from pg_locks where mode = 'ExclusiveLock' and not granted`,
    );
  await expect.poll(waiting, { timeout: 10_000 }).toBe(1);
  await writer.query('commit');
  writer.release();
  expect((await erasing).stdout).toContain('usage_stats: 1 erased');
});

describe('by the API', () => {
  const call = (body: object) =>
    postJson(`${telemetry.baseUrl}/gravitas.telemetry.v1.ErasureService/EraseRecords`, body);

  it('does the same', async () => {
    await post('batch', { usage: [{ model: 'm', session_id: 'api' }], events: [] });
    const erased = [
      { table_name: 'system_telemetry', rows: '0' },
      { table_name: 'usage_stats', rows: '1' },
      { table_name: 'dead_letters', rows: '0' },
    ];
    expect(await call({ session_id: 'api', dry_run: true })).toMatchObject({
      status: 200,
      body: { erased },
    });
    expect(await call({ session_id: 'api' })).toMatchObject({ status: 200, body: { erased } });
    const none = erased.map((rows) => ({ ...rows, rows: '0' }));
    expect(await call({ sessionId: 'api' })).toMatchObject({ body: { erased: none } });
    const [newest] = await telemetry.database.rows(
      'select caller, action from telemetry_audit order by recorded_at desc limit 1',
    );
    expect(newest).toEqual({ caller: 'anonymous', action: 'records erased' });
  });

  it('names the field of what makes no sense, and looks for what is stored of odd ids', async () => {
    expect(await call({})).toMatchObject({
      status: 400,
      body: { message: 'user_id is empty, and so is session_id; one of them is needed' },
    });
    expect(await call({ user_id: 'a', session_id: 'b' })).toMatchObject({
      status: 400,
      body: { message: 'session_id is given beside user_id; one of them is needed' },
    });
    await post('usage', { model: 'm', user_id: `o'dd \u0000 id%` });
    expect(await call({ user_id: `o'dd \u0000 id%` })).toMatchObject({
      body: { erased: [{}, { rows: '1' }, {}] },
    });
  });
});

it('needs to be told of whom', async () => {
  for (const args of [[], ['--user', ''], ['--user', 'a', '--session', 'b']]) {
    const { code, stderr } = await erase(...args);
    expect(code).not.toBe(0);
    expect(stderr).toMatch(/either --user or --session is needed/);
  }
});
