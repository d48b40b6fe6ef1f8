import { uuidv7 } from 'uuidv7';
import type { TestDatabase } from '../support/database.ts';
import { postJson } from '../support/http.ts';

/** The same numbers for the same seed: mulberry32. */
export function randomOf(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

const dayMs = 86_400_000;
type Random = () => number;
const one = <T>(random: Random, of: readonly T[]): T => of[Math.floor(random() * of.length)] as T;

const components = ['L1', 'L2', 'gemma', null];
export const eventTypes = ['THOUGHT_LATENCY', 'VRAM_CHECK', 'LOAD'];
const models = ['gpt-5-mini', 'qwen3:14b', 'claude-sonnet-4-5'];

/** Up to so many days ago. */
const daysAgo = (random: Random, days: number) => new Date(Date.now() - random() * days * dayMs);

function randomEvent(random: Random, at: Date) {
  const value = one(random, [null, random() * 100, -random() * 10, 0, random() * 1e6]);
  const component = one(random, components);
  const status = one(random, ['OK', 'OK', 'ERROR', null]);
  return {
    event_type: one(random, eventTypes),
    ...(component !== null && { component }),
    ...(value !== null && { value }),
    ...(status !== null && { status }),
    metadata: {
      gpu_id: Math.floor(random() * 3),
      used: random() * 24,
      ...(random() < 0.5 && { tokens_generated: Math.floor(random() * 500) }),
      ...(random() < 0.3 && { total_tokens: Math.floor(random() * 900) }),
    },
    timestamp: at.toISOString(),
  };
}

function randomUsage(random: Random, at: Date) {
  const input = Math.floor(random() * 5000);
  return {
    model: one(random, models),
    layer: one(random, ['L1', 'L2']),
    provider: one(random, ['openai', 'ollama']),
    agent: one(random, ['router', 'planner']),
    project: one(random, ['atlas', 'hermes']),
    user_id: one(random, ['ada', 'bob', 'eve']),
    session_id: `s${Math.floor(random() * 20)}`,
    ...(random() < 0.5 && { operation: one(random, ['chat', 'embeddings']) }),
    ...(random() < 0.5 && { team: one(random, ['red', 'blue']) }),
    ...(random() < 0.3 && { ghost_id: one(random, ['g1', 'g2']), shell_id: 'sh1' }),
    ...(random() < 0.1 && { error_type: one(random, ['timeout', 'overloaded']) }),
    metadata: { tenant: Math.floor(random() * 2) },
    input_tokens: input,
    output_tokens: Math.floor(random() * 900),
    cached_tokens: Math.floor(random() * input),
    ...(random() < 0.8 && { cost_usd: Math.floor(random() * 1000) / 10_000 }),
    ...(random() < 0.9 && { duration_ms: random() * 9000 }),
    ...(random() < 0.6 && { time_to_first_token_ms: random() * 900 }),
    status: one(random, ['OK', 'OK', 'OK', 'ERROR']),
    timestamp: at.toISOString(),
  };
}

/** Records that come by the API, which are rolled up as they are stored. */
export async function sendRandom(baseUrl: string, random: Random, count: number): Promise<void> {
  const list = (make: typeof randomEvent | typeof randomUsage) =>
    Array.from({ length: count }, () => make(random, daysAgo(random, 29)));
  const batch = { batch_id: uuidv7(), events: list(randomEvent), usage: list(randomUsage) };
  for (;;) {
    const { status, body } = await postJson(`${baseUrl}/v1/telemetry/batch`, batch);
    if (status === 200 && body.rejected === 0 && body.durability === 'DURABILITY_COMMITTED') return;
    // A busy machine: the same batch again stores nothing twice.
    if (status !== 503 && status !== 200) throw new Error(JSON.stringify(body));
  }
}

/** Events that somebody inserts by himself, older ones too. */
export async function insertRandom(
  database: TestDatabase,
  random: Random,
  count: number,
  daysBack: number,
): Promise<void> {
  await insertRandomAt(
    database,
    random,
    Array.from({ length: count }, () => daysAgo(random, daysBack)),
  );
}

/** The same at certain times. */
export async function insertRandomAt(
  database: TestDatabase,
  random: Random,
  times: readonly Date[],
): Promise<void> {
  await database.rows(
    `insert into system_telemetry (event_type, component, value, status, metadata, "timestamp")
     select event_type, component, value, status, metadata, "timestamp"
     from jsonb_to_recordset($1::jsonb) as event (event_type text, component text, value float8,
       status text, metadata jsonb, "timestamp" timestamptz)`,
    [JSON.stringify(times.map((at) => randomEvent(random, at)))],
  );
}

/** Usage records, the same way, by the names that the tables have. */
export async function insertRandomUsage(
  database: TestDatabase,
  random: Random,
  times: readonly Date[],
): Promise<void> {
  await database.rows(
    `insert into usage_stats (model, layer, provider, operation, agent, project, team, user_id,
       session_id, ghost_id, shell_id, prompt_tokens, completion_tokens, cached_tokens, cost_usd,
       duration_ms, time_to_first_token_ms, status, error_type, metadata, "timestamp")
     select model, layer, provider, operation, agent, project, team, user_id, session_id, ghost_id,
       shell_id, input_tokens, output_tokens, cached_tokens, cost_usd, duration_ms,
       time_to_first_token_ms, status, error_type, metadata, "timestamp"
     from jsonb_to_recordset($1::jsonb) as usage (model text, layer text, provider text,
       operation text, agent text, project text, team text, user_id text, session_id text,
       ghost_id text, shell_id text, input_tokens bigint, output_tokens bigint,
       cached_tokens bigint, cost_usd numeric, duration_ms float8, time_to_first_token_ms float8,
       status text, error_type text, metadata jsonb, "timestamp" timestamptz)`,
    [JSON.stringify(times.map((at) => randomUsage(random, at)))],
  );
}
