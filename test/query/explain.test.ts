import { create, fromBinary, toBinary } from '@bufbuild/protobuf';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  ExplainUsageRequestSchema,
  ExplainUsageResponseSchema,
} from '../../gen/typescript/gravitas/telemetry/v1/query_pb.js';
import { listEdition } from '../../src/prices/list.ts';
import { startCollector, type TestCollector } from '../support/collector.ts';
import { runCommand } from '../support/command.ts';
import { getJson, postJson } from '../support/http.ts';

const source = `list@${listEdition.version}/${listEdition.date}`;
const gpt5 = { provider: 'openai', model: 'gpt-5', input_tokens: 1000, output_tokens: 200 };

describe('usage explain', () => {
  let telemetry: TestCollector;
  beforeAll(async () => {
    telemetry = await startCollector();
  });
  afterAll(() => telemetry.stop());

  const store = async (usage: object): Promise<string> =>
    (await postJson(`${telemetry.baseUrl}/v1/telemetry/usage`, usage)).body.id as string;
  const explain = async (id: string) =>
    await getJson(`${telemetry.baseUrl}/v1/telemetry/usage/explain?id=${id}`);
  const explained = async (usage: object) => {
    const { status, body } = await explain(await store(usage));
    expect(status).toBe(200);
    return body;
  };

  it('says which rule, which price and which arithmetic', async () => {
    const id = await store({ ...gpt5, cached_tokens: 400 });
    const { status, body } = await explain(id);
    expect(status).toBe(200);
    expect(body).toEqual({
      id,
      timestamp: expect.stringMatching(/\+00:00$/),
      model: 'gpt-5',
      provider: 'openai',
      cost_usd: '0.0028',
      cost_source: source,
      usage_rule: 'contract',
      unpriced_reason: null,
      current_cost_usd: '0.0028',
      current_cost_source: source,
      explanation: [
        'Rule: contract.',
        expect.stringContaining('1,000 tokens of input, 400 of them read from the cache'),
        `Price: of openai/gpt-5 in the list genai-prices (${source}).`,
        '600 tokens of input that is not cached × $1.25 a million = $0.00075',
        '400 tokens of input read from the cache × $0.125 a million = $0.00005',
        '200 tokens of output × $10 a million = $0.002',
        'Cost: $0.0028.',
      ],
      price_list: listEdition,
      own_prices: null,
    });
  });

  it('tells its time to the microsecond, in the binary form too', async () => {
    const id = await store({ ...gpt5, timestamp: new Date().toISOString().replace('Z', '457Z') });
    const { body } = await explain(id);
    expect(body.timestamp).toMatch(/\.\d{3}457\+00:00$/);
    const path = '/gravitas.telemetry.v1.QueryService/ExplainUsage';
    const answer = await fetch(telemetry.baseUrl + path, {
      method: 'POST',
      headers: { 'content-type': 'application/proto' },
      body: toBinary(ExplainUsageRequestSchema, create(ExplainUsageRequestSchema, { id })),
    });
    expect(answer.status).toBe(200);
    const explained = fromBinary(
      ExplainUsageResponseSchema,
      new Uint8Array(await answer.arrayBuffer()),
    );
    expect(explained.timestamp?.nanos).toBe(Number(`${body.timestamp.slice(20, 26)}000`));
  });

  it('finds a record of another time than its id says, everywhere or where it is told to', async () => {
    const madeAt = new Date(Date.now() - 20 * 86_400_000);
    const id = await store({ ...gpt5, timestamp: madeAt.toISOString() });
    const at = async (time: string) => {
      const url = `${telemetry.baseUrl}/v1/telemetry/usage/explain?id=${id}&time=${time}`;
      return (await getJson(url)).status;
    };
    expect((await explain(id)).status).toBe(200);
    expect(await at(new Date(madeAt.getTime() + 1_800_000).toISOString())).toBe(200);
    expect(await at(new Date().toISOString())).toBe(404);
    expect(await at('yesterday')).toBe(400);
    const env = { DATABASE_URL: telemetry.database.url };
    const found = await runCommand(['usage', 'explain', id, '--at', madeAt.toISOString()], env);
    expect(found).toMatchObject({ code: 0, stdout: expect.stringContaining('Cost: $0.00325') });
    const missed = await runCommand(['usage', 'explain', id, '--at', '2h'], env);
    expect(missed).toMatchObject({ code: 1, stderr: expect.stringContaining('within an hour of') });
  });

  it("says so of a client's own cost, of none, and of counts that contradict each other", async () => {
    expect((await explained({ ...gpt5, cost_usd: 0.5 })).explanation.at(-1)).toMatch(
      /^Cost: \$0\.5, as the client said \(client\)/,
    );
    const unknown = await explained({ ...gpt5, model: 'gpt-of-tomorrow' });
    expect(unknown).toMatchObject({ cost_usd: null, unpriced_reason: 'unknown_model' });
    expect(unknown.explanation.at(-1)).toMatch(/^Unpriced: neither the own prices nor the list/);
    const ambiguous = await explained({ ...gpt5, cached_tokens: 1001 });
    expect(ambiguous).toMatchObject({ cost_usd: null, unpriced_reason: 'ambiguous' });
    expect(ambiguous.explanation.at(-1)).toMatch(/^Unpriced: its counts contradict each other/);
  });

  it('finds records of any time, of other writers too', async () => {
    const week = new Date(Date.now() - 7 * 86_400_000).toISOString();
    expect(await explained({ ...gpt5, timestamp: week })).toMatchObject({ cost_usd: '0.00325' });
    const { rows } = await telemetry.database.pool.query(
      `insert into usage_stats (model, provider, prompt_tokens, completion_tokens, cost_usd)
      values ('gpt-5', null, null, 5, 0.25) returning id`,
    );
    const { body } = await explain(rows[0].id);
    expect(body).toMatchObject({ cost_usd: '0.25', cost_source: null, usage_rule: null });
    expect(body.explanation.at(-1)).toContain('stored before sources were');
  });

  it('shows both where prices have changed since', async () => {
    const id = await store(gpt5);
    await telemetry.database.pool.query(
      "update usage_stats set cost_usd = 9, cost_source = 'list@0.0.1/2025-01-01' where id = $1",
      [id],
    );
    const { body } = await explain(id);
    expect(body).toMatchObject({ cost_usd: '9', current_cost_usd: '0.00325' });
    expect(body.explanation).toContainEqual(expect.stringContaining('list@0.0.1/2025-01-01'));
  });

  it('says what is wrong with an id', async () => {
    expect(await explain('x')).toMatchObject({ status: 400 });
    expect(await explain('00000000-0000-4000-8000-000000000000')).toMatchObject({ status: 404 });
  });

  it('is a command', async () => {
    const id = await store(gpt5);
    const env = { DATABASE_URL: telemetry.database.url };
    const { stdout, code } = await runCommand(['usage', 'explain', id], env);
    expect(code).toBe(0);
    expect(stdout).toContain('200 tokens of output × $10 a million = $0.002\nCost: $0.00325.\n');
    expect(stdout).toContain(`list: genai-prices ${listEdition.version} of ${listEdition.date}`);
    const asked = { TELEMETRY_URL: telemetry.baseUrl };
    expect(await runCommand(['usage', 'explain', id], asked)).toEqual({ code, stdout, stderr: '' });
    const json = async (from: object) =>
      JSON.parse((await runCommand(['usage', 'explain', id, '--json'], { ...from })).stdout);
    expect(await json(asked)).toEqual(await json(env));
    const missing = await runCommand(['usage', 'explain', 'x'], env);
    expect(missing).toMatchObject({ code: 1, stderr: 'id is not a UUID\n' });
  });
});
