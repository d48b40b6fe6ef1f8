import { setTimeout as sleep } from 'node:timers/promises';
import { uuidv7 } from 'uuidv7';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { Random } from '../chaos/random.ts';
import { createDatabase, type TestDatabase } from '../support/database.ts';
import { freePort } from '../support/free-port.ts';
import { getJson } from '../support/http.ts';
import { accountOf } from '../support/metrics.ts';
import { type CollectorProcess, spawnCollector } from '../support/process.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';

const calls = 150;
const reportsOfACall = 3;
const batchRecords = 10;
/** After so many batches, which of the collectors. */
const kills = new Map([
  [8, 0],
  [16, 1],
  [24, 0],
  [34, 1],
]);

let database: TestDatabase;
let directory: ReturnType<typeof temporaryDirectory>;
let collectors: CollectorProcess[];
beforeEach(async () => {
  database = await createDatabase();
  directory = temporaryDirectory();
});
afterEach(async () => {
  await Promise.all(collectors.map((collector) => collector.end('SIGTERM')));
  await database.drop();
  directory.remove();
});

/** gpt-5 in the list: $1.25 a million of input, $10 of output. In millionths of a cent, a whole number. */
const listed = (input: number, output: number) => input * 125 + output * 1000;

interface Call {
  readonly id: string;
  readonly input: number;
  readonly output: number;
  /** What the client says in one of the reports, whichever comes first. */
  readonly dollars: number | undefined;
}

/** What is said of a call: all say its counts, one what it cost, each something else. */
const report = ({ id, input, output, dollars }: Call, place: number) => ({
  model: 'gpt-5',
  provider: 'openai',
  response_id: id,
  input_tokens: input,
  output_tokens: output,
  ...(place === 1 && dollars !== undefined && { cost_usd: dollars }),
  ...(place === 0 && { team: 'a' }),
  ...(place === 2 && { agent: 'b' }),
});

it.each([17])(
  'calls and costs add up though both collectors are killed twice: seed %s',
  async (seed) => {
    const random = new Random(seed);
    const made = Array.from({ length: calls }, (_, n): Call => {
      const dollars = random.chance(0.5) ? random.between(1, 64) / 64 : undefined;
      const [input, output] = [random.between(1, 9000), random.between(1, 900)];
      return { id: `call-${n}`, input, output, dollars };
    });
    const reports = made
      .flatMap((call) => Array.from({ length: reportsOfACall }, (_, at) => report(call, at)))
      .map((usage) => ({ usage, at: random.next() }))
      .toSorted((a, b) => a.at - b.at)
      .map(({ usage }) => usage);
    const batches = Array.from({ length: reports.length / batchRecords }, (_, n) => ({
      batch_id: uuidv7(),
      events: [],
      usage: reports.slice(n * batchRecords, (n + 1) * batchRecords),
    }));

    const ports = [await freePort(), await freePort()];
    const start = (index: number) =>
      spawnCollector({
        DATABASE_URL: database.url,
        TELEMETRY_PORT: String(ports[index]),
        TELEMETRY_DATA_DIR: `${directory.path}/${index}`,
      });
    collectors = await Promise.all([start(0), start(1)]);
    let acknowledged = 0;
    let restarting: Promise<unknown> = Promise.resolve();
    const kill = async (index: number) => {
      await collectors[index]?.end('SIGKILL');
      collectors[index] = await start(index);
    };
    const deliver = async (batch: object) => {
      for (;;) {
        const answer = await fetch(`http://127.0.0.1:${random.pick(ports)}/v1/telemetry/batch`, {
          method: 'POST',
          headers: { 'content-type': 'application/json' },
          body: JSON.stringify(batch),
        }).catch(() => undefined);
        if (answer?.status === 200) break;
        await answer?.arrayBuffer();
        await sleep(20);
      }
      const victim = kills.get(++acknowledged);
      if (victim !== undefined) restarting = restarting.then(() => kill(victim));
    };
    const queue = [...batches, ...batches.slice(0, 5)];
    const send = async () => {
      for (let batch = queue.shift(); batch; batch = queue.shift()) await deliver(batch);
    };
    await Promise.all(Array.from({ length: 6 }, send));
    await restarting;
    const pending = async (index: number) =>
      (await accountOf(collectors[index]?.baseUrl as string, 'usage_stats')).pending;
    await expect.poll(() => pending(0), { timeout: 30_000 }).toBe(0);
    await expect.poll(() => pending(1), { timeout: 30_000 }).toBe(0);

    const cents = (call: Call) =>
      call.dollars === undefined ? listed(call.input, call.output) : call.dollars * 1e8;
    const sum = (of: (call: Call) => number) => made.reduce((total, call) => total + of(call), 0);
    const [stored] = await database.rows(`
      select count(*)::int as rows, sum(prompt_tokens)::int as input, sum(completion_tokens)::int as output,
        (sum(cost_usd) * 1e8)::float8 as cost, count(team)::int as teams, count(agent)::int as agents,
        count(*) filter (where cost_source = 'client')::int as told
      from usage_stats`);
    const expected = { input: sum(({ input }) => input), output: sum(({ output }) => output) };
    expect(stored).toEqual({
      rows: calls,
      ...expected,
      cost: sum(cents),
      teams: calls,
      agents: calls,
      told: made.filter(({ dollars }) => dollars !== undefined).length,
    });
    // What is rolled up was corrected by whatever came later.
    const { baseUrl } = collectors[0] as CollectorProcess;
    const summary = async () => {
      const { body } = await getJson(`${baseUrl}/v1/telemetry/usage/summary?hours=1`);
      const { requests, input_tokens, output_tokens, cost_usd } = body;
      return [
        Number(requests),
        Number(input_tokens),
        Number(output_tokens),
        Math.round(Number(cost_usd) * 1e8),
      ];
    };
    await expect
      .poll(summary, { timeout: 20_000 })
      .toEqual([calls, expected.input, expected.output, sum(cents)]);
  },
  120_000,
);
