import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { uuidv7 } from 'uuidv7';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { dayMs, hourMs } from '../../src/units.ts';
import { createDatabase, type TestDatabase } from '../support/database.ts';
import { getJson, postJson } from '../support/http.ts';
import { uuidV7At } from '../support/ids.ts';
import { accountOf, imbalance, metric } from '../support/metrics.ts';
import { type CollectorProcess, spawnCollector } from '../support/process.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';

const clockModule = new URL('../chaos/jumping-clock.mjs', import.meta.url).pathname;

let database: TestDatabase;
let directory: ReturnType<typeof temporaryDirectory>;
let collector: CollectorProcess;
beforeAll(async () => {
  database = await createDatabase();
  directory = temporaryDirectory();
  writeFileSync(clockFile(), '0');
  collector = await spawnCollector({
    DATABASE_URL: database.url,
    CHAOS_CLOCK: clockFile(),
    NODE_OPTIONS: `--import ${clockModule}`,
  });
});
afterAll(async () => {
  await collector.end('SIGTERM');
  await database.drop();
  directory.remove();
});

const clockFile = () => join(directory.path, 'clock');

async function setClock(aheadMs: number): Promise<void> {
  writeFileSync(clockFile(), String(aheadMs));
  collector.process.kill('SIGUSR2');
  const direction = aheadMs > 0 ? /^clock: .* ahead of the database's/ : /^clock: .* behind the/;
  const clock = async () =>
    (await getJson(`${collector.baseUrl}/readyz`)).body.reasons.find((reason: string) =>
      reason.startsWith('clock:'),
    );
  const wanted = expect.poll(clock, { timeout: 10_000 });
  await (aheadMs === 0 ? wanted.toBeUndefined() : wanted.toMatch(direction));
}

const postTo = ({ baseUrl }: { readonly baseUrl: string }, fields: object) =>
  postJson(`${baseUrl}/v1/telemetry/log`, { event_type: 'CLOCK', ...fields });
const post = (fields: object) => postTo(collector, fields);
const postBatch = (fields: object) => postJson(`${collector.baseUrl}/v1/telemetry/batch`, fields);
const at = (ms: number) => new Date(Date.now() + ms).toISOString();

async function expectRetryable(answer: ReturnType<typeof post>): Promise<void> {
  const { status, headers, body } = await answer;
  expect([status, body.code]).toEqual([503, 'unavailable']);
  expect(body.message).toMatch(/clock/);
  expect(Number(headers.get('retry-after'))).toBeGreaterThan(1);
}

describe.each([
  ['behind by two hours', -2 * hourMs],
  ['ahead by 31 days', 31 * dayMs],
])('a clock that is %s', (_, aheadMs) => {
  it('is told about, and costs no good client what it has', async () => {
    await setClock(aheadMs);
    const since = await metric(collector.baseUrl, 'telemetry_unwell_since_seconds{part="clock"}');
    expect(since).toBeGreaterThan(0);
    await expectRetryable(post({ timestamp: at(0) }));
    await expectRetryable(post({ idempotency_key: uuidv7() }));
    const events = [{ event_type: 'CLOCK' }, { event_type: 'CLOCK', timestamp: at(0) }];
    await expectRetryable(postBatch({ events }));
    await expectRetryable(postBatch({ batch_id: uuidv7(), events: events.slice(0, 1) }));
    // What is wrong by both clocks is wrong.
    expect((await post({ timestamp: at(-90 * dayMs) })).status).toBe(400);
    expect((await post({ idempotency_key: uuidV7At(Date.now() - 60 * dayMs) })).status).toBe(400);
    expect((await post({ event_type: '' })).status).toBe(400);
    // What has no time has none that could be wrong.
    expect((await post({})).body.durability).toBe('DURABILITY_COMMITTED');
    await setClock(0);
    const stored = await post({ timestamp: at(0), idempotency_key: uuidv7() });
    expect(stored.body).toMatchObject({ success: true, durability: 'DURABILITY_COMMITTED' });
    expect(imbalance(await accountOf(collector.baseUrl))).toBe(0);
  });
});

it('refuses an id that the ledger may have forgotten by the other clock', async () => {
  await setClock(-10 * dayMs);
  await expectRetryable(post({ idempotency_key: uuidV7At(Date.now() - 20 * dayMs) }));
  await setClock(0);
  expect((await post({ idempotency_key: uuidV7At(Date.now() - 20 * dayMs) })).status).toBe(400);
});

it('is not believed where it has gone back together with the database, which has later ids', async () => {
  const own = await createDatabase();
  await own.rows(`insert into batch_ledger (batch_id, fingerprint, group_id) values ($1, '', $2)`, [
    uuidV7At(Date.now() + 3 * hourMs),
    uuidv7(),
  ]);
  const later = await spawnCollector({ DATABASE_URL: own.url });
  try {
    const reasons = async () => (await getJson(`${later.baseUrl}/readyz`)).body.reasons;
    const behind = /^clock: this machine's clock is 7\d\d\d s behind what is stored already/;
    await expect.poll(reasons, { timeout: 20_000 }).toContainEqual(expect.stringMatching(behind));
    await expectRetryable(postTo(later, { timestamp: at(2 * hourMs) }));
    await expectRetryable(postTo(later, { idempotency_key: uuidV7At(Date.now() + 2 * hourMs) }));
    const events = [{ event_type: 'CLOCK' }, { event_type: 'CLOCK', timestamp: at(3 * hourMs) }];
    await expectRetryable(postJson(`${later.baseUrl}/v1/telemetry/batch`, { events }));
    expect((await postTo(later, { timestamp: at(9 * dayMs) })).status).toBe(400);
    expect((await postTo(later, { timestamp: at(-90 * dayMs) })).status).toBe(400);
    const stored = await postTo(later, { timestamp: at(0), idempotency_key: uuidv7() });
    expect(stored.body.durability).toBe('DURABILITY_COMMITTED');
  } finally {
    await later.end('SIGTERM');
    await own.drop();
  }
});
