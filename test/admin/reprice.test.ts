import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import {
  type CostDifference,
  type OnChanged,
  type RepriceOptions,
  reprice,
} from '../../src/admin/reprice.ts';
import { createKysely } from '../../src/database/kysely.ts';
import { type OwnPrices, parseOwnPrices } from '../../src/prices/own.ts';
import { Pricer } from '../../src/prices/pricer.ts';
import { runCommand } from '../support/command.ts';
import { createDatabase, type TestDatabase } from '../support/database.ts';

const priceOf = (usd: number): OwnPrices => {
  const prices = [{ model: 'priced', usd_per_million_tokens: { input: usd, output: usd } }];
  return parseOwnPrices(JSON.stringify({ prices }), new Date('2026-11-26'));
};
const old = 'own@00000000/2026-01-01';

describe('usage reprice', () => {
  let database: TestDatabase;
  beforeAll(async () => {
    database = await createDatabase();
  });
  afterAll(() => database.drop());
  beforeEach(() => database.empty('usage_stats', 'telemetry_audit'));

  const insert = async (
    count: number,
    model: string,
    cost: string | null,
    source: string | null,
  ) => {
    await database.pool.query(
      `insert into usage_stats (model, prompt_tokens, completion_tokens, cost_usd, cost_source, "timestamp")
      select $1, 1000000, 0, $2, $3, now() - interval '1 hour' - n * interval '1 second'
      from generate_series(1, $4) n`,
      [model, cost, source, count],
    );
  };
  const costs = async () => {
    const { rows } = await database.pool.query(
      `select model, cost_usd::text as cost, cost_source as source, count(*)::int
      from usage_stats group by 1, 2, 3 order by 1, 2, 3`,
    );
    return rows.map(({ model, cost, source, count }) => [model, cost, source, count]);
  };
  const options: RepriceOptions = { since: new Date(Date.now() - 86_400_000), dryRun: false };
  const run = async (
    own: OwnPrices,
    {
      given = options,
      onChanged = async () => {},
    }: {
      given?: RepriceOptions;
      onChanged?: OnChanged;
    } = {},
  ) => {
    const db = createKysely(database.pool);
    const steps: CostDifference[][] = [];
    const pricer = new Pricer(() => own);
    for await (const { differences } of reprice(db, pricer, given, onChanged)) {
      steps.push([...differences]);
    }
    return steps.flat();
  };

  it("computes what is computed or missing, and never a client's own", async () => {
    await insert(1, 'priced', '5', 'client');
    await insert(1, 'priced', '6', null);
    await insert(1, 'priced', '7', old);
    await insert(2, 'priced', null, null);
    await insert(1, 'nameless', null, null);
    await insert(1, 'nameless', '8', old);
    const own = priceOf(2);
    const source = `own@${own.version}/2026-11-26`;
    const differences = await run(own);
    expect(differences.map(({ before, after }) => `${before} ${after}`).sort()).toEqual([
      '7 2',
      'null 2',
      'null 2',
    ]);
    expect(await costs()).toEqual([
      ['nameless', '8', old, 1],
      ['nameless', null, null, 1],
      ['priced', '2', source, 3],
      ['priced', '5', 'client', 1],
      ['priced', '6', null, 1],
    ]);
    expect(await run(own)).toEqual([]);
  });

  it('takes the time from since to until, and changes nothing in a dry run', async () => {
    await insert(3, 'priced', null, null);
    const before = await costs();
    expect(await run(priceOf(1), { given: { ...options, dryRun: true } })).toHaveLength(3);
    expect(await costs()).toEqual(before);
    const hour = new Date(Date.now() - 3_600_000);
    expect(await run(priceOf(1), { given: { ...options, since: hour } })).toEqual([]);
    expect(await run(priceOf(1), { given: { ...options, until: hour } })).toHaveLength(3);
  });

  it('tells the differences in the transaction that makes them, and goes on where it was', async () => {
    await insert(2500, 'priced', null, null);
    const told: number[] = [];
    const failing = run(priceOf(3), {
      onChanged: async (_trx, changed) => {
        told.push(changed.length);
        for (const { before, after } of changed) {
          expect(JSON.parse(before)).toMatchObject({ model: 'priced', cost_usd: null });
          expect(JSON.parse(after)).toEqual({
            ...JSON.parse(before),
            cost_usd: 3,
            cost_source: expect.stringMatching(/^own@/),
          });
        }
        if (told.length === 2) throw new Error('no power');
      },
    });
    await expect(failing).rejects.toThrow('no power');
    const isPriced = (row: unknown[]) => row[1] === '3';
    expect((await costs()).find(isPriced)?.[3]).toBe(1000);
    expect(await run(priceOf(3))).toHaveLength(1500);
    expect((await costs()).map(([, cost, , count]) => [cost, count])).toEqual([['3', 2500]]);
  });

  it('is a command, which is audited', async () => {
    await database.pool.query(
      `insert into usage_stats (model, provider, prompt_tokens, completion_tokens)
      values ('gpt-5', 'openai', 1000, 200)`,
    );
    const command = (...args: string[]) =>
      runCommand(['usage', 'reprice', ...args], { DATABASE_URL: database.url });
    const dry = await command('--since', '1d', '--dry-run');
    expect(dry.stdout).toMatch(
      /^1 records .* 1 would change\n1 of them had no cost before; .* \$0.00325\nlist: genai-prices /,
    );
    expect((await command('--since', '1d')).stdout).toMatch(/ of which 1 changed\n/);
    expect((await costs())[0]?.slice(0, 2)).toEqual(['gpt-5', '0.00325']);
    const { rows } = await database.pool.query('select action from telemetry_audit');
    expect(rows).toEqual([{ action: 'usage repriced' }]);
  });

  it('says which time is missing, or is none', async () => {
    const command = (...args: string[]) => runCommand(['usage', 'reprice', ...args]);
    const [missing, wrong] = await Promise.all([command(), command('--since', 'yesterday')]);
    expect(missing).toMatchObject({ code: 1, stderr: '--since is missing\n' });
    expect(wrong.stderr).toMatch(/^--since: "yesterday" is no time/);
  });
});
