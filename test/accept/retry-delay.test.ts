import { fromBinary } from '@bufbuild/protobuf';
import { durationMs } from '@bufbuild/protobuf/wkt';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { RetryInfoSchema } from '../../gen/typescript/google/rpc/error_details_pb.js';
import { startCollector, type TestCollector } from '../support/collector.ts';
import { type JsonAnswer, postJson } from '../support/http.ts';

const eventBytes = 30_000;
/** The unary lane has a quarter of the smallest buffer: room for eight of them. */
const tooManyPosts = 16;

let telemetry: TestCollector;
beforeEach(async () => {
  telemetry = await startCollector({
    TELEMETRY_BUFFER_BYTES_MAX: String(1024 * 1024),
    // One event a commit, for which everybody waits as long as it takes.
    TELEMETRY_GROUP_BYTES_MAX: '1024',
    TELEMETRY_UNARY_MS_MAX: '60000',
    TELEMETRY_COMMIT_MS_MAX: '60000',
    TELEMETRY_STREAM_COMMIT_MS_MAX: '60000',
  });
  await telemetry.database.rows('create table pace as select 0.0 as seconds');
  await telemetry.database.rows(`create function keep_pace() returns trigger language plpgsql
    as $$ begin perform pg_sleep((select seconds from pace)); return null; end $$`);
  await telemetry.database.rows(`create trigger keep_pace before insert on system_telemetry
    for each statement execute function keep_pace()`);
});
afterEach(() => telemetry.stop());

const setPace = (seconds: number) =>
  telemetry.database.rows('update pace set seconds = $1', [seconds]);

const post = () =>
  postJson(`${telemetry.baseUrl}/v1/telemetry/log`, {
    event_type: 'PACED',
    metadata: { text: 'x'.repeat(eventBytes) },
  });

/** The refusals of more posts than there is room for, after a commit that took so long. */
async function refusals(secondsPerCommit: number): Promise<JsonAnswer[]> {
  await setPace(secondsPerCommit);
  expect((await post()).status).toBe(200);
  const answers = await Promise.all(
    Array.from({ length: tooManyPosts }, async () => {
      const answer = await post();
      // It has been seen how slow they are: now they may go.
      if (answer.status !== 200) await setPace(0);
      return answer;
    }),
  );
  return answers.filter(({ status }) => status !== 200);
}

function retryInfoMs({ body }: JsonAnswer): number {
  const [detail] = body.details.filter(
    ({ type }: { type: string }) => type === RetryInfoSchema.typeName,
  );
  const { retryDelay } = fromBinary(RetryInfoSchema, Buffer.from(detail.value, 'base64'));
  return retryDelay ? durationMs(retryDelay) : Number.NaN;
}

it('tells the refused to come back when what is held will be stored, at the rate of now (3.4)', async () => {
  const slow = await refusals(1);
  const fast = await refusals(0);
  for (const answer of [...slow, ...fast]) {
    expect([answer.status, answer.body.code]).toEqual([429, 'resource_exhausted']);
    const seconds = Math.ceil(retryInfoMs(answer) / 1000);
    expect(answer.headers.get('retry-after')).toBe(String(seconds));
  }
  // Eight wait for a second each, unless one of them is stored already.
  for (const answer of slow) expect(retryInfoMs(answer)).toBeGreaterThan(6000);
  const longestFastMs = Math.max(...fast.map(retryInfoMs));
  expect(longestFastMs).toBeLessThan(Math.min(...slow.map(retryInfoMs)) / 2);
});
