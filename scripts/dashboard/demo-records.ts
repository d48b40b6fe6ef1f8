import { uuidv7 } from 'uuidv7';

/** Records as an application with three cards and seven models would send them. */
interface DemoEvent {
  readonly event_type: string;
  readonly component: string;
  readonly value?: number;
  readonly status: string;
  readonly metadata: Readonly<Record<string, unknown>>;
  readonly timestamp: string;
}

type DemoUsage = Readonly<Record<string, string | number>>;

/** The same numbers for the same seed, so that pictures change only where the page does. */
function randomFrom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}

const minuteMs = 60_000;
const hourMs = 60 * minuteMs;
const dayMs = 24 * hourMs;

const cards = [
  { gpu_id: 0, total: 24, used: 19.6, name: 'RTX 4090' },
  { gpu_id: 1, total: 24, used: 15.4, name: 'RTX 4090' },
  { gpu_id: 2, total: 48, used: 39.2, name: 'RTX A6000' },
];

/** Milliseconds a token, seconds to load where it is loaded here, share of the calls. */
const models = [
  { model: 'qwen3:14b', layer: 'L1', provider: 'ollama', token: 18, load: 4.7, share: 0.5 },
  { model: 'llama3.1:8b', layer: 'L1', provider: 'ollama', token: 11, load: 3, share: 0.22 },
  { model: 'gpt-5-mini', layer: 'L2', provider: 'openai', token: 9, share: 0.12 },
  { model: 'gemini-2.5-flash', layer: 'L2', provider: 'google', token: 8, share: 0.07 },
  { model: 'claude-sonnet-4-5', layer: 'L2', provider: 'anthropic', token: 15, share: 0.06 },
  { model: 'mistral-nemo-ft-3', layer: 'L2', provider: 'vllm', token: 17, share: 0.01 },
  { model: 'claude-opus-4-1', layer: 'L3', provider: 'anthropic', token: 31, share: 0.02 },
] as const;

type Model = (typeof models)[number];

/** Roughly normal, around 0, within 2. */
const spread = (random: () => number) => random() + random() + random() + random() - 2;

function choose(random: () => number): Model {
  let left = random();
  for (const model of models) {
    left -= model.share;
    if (left < 0) return model;
  }
  return models[0];
}

const round = (value: number, digits = 1) => Number(value.toFixed(digits));

function check(
  at: number,
  now: number,
  random: () => number,
  card: (typeof cards)[number],
): DemoEvent {
  const isFull = card.gpu_id === 1 && at > now - 12 * minuteMs;
  const used = round(
    Math.min(card.total - 0.4, card.used + 0.3 * spread(random) + (isFull ? 7 : 0)),
    2,
  );
  return {
    event_type: 'VRAM_CHECK',
    component: 'L1',
    value: round(card.total - used, 2),
    status: used / card.total > 0.9 ? 'WARNING' : 'OK',
    metadata: {
      gpu_id: card.gpu_id,
      gpu_name: card.name,
      total_vram_gb: card.total,
      used_vram_gb: used,
    },
    timestamp: new Date(at).toISOString(),
  };
}

function thought(at: number, random: () => number): DemoEvent {
  const { model, token } = choose(random);
  const isFailed = random() < 0.004;
  const tokens = Math.ceil(40 + 700 * random() ** 2);
  const latency = round(token * Math.exp(0.42 * spread(random)), 2);
  const prompt = Math.ceil(6000 * random() ** 2);
  return {
    event_type: 'THOUGHT_LATENCY',
    component: model,
    ...(!isFailed && { value: latency }),
    status: isFailed ? 'ERROR' : 'OK',
    metadata: isFailed
      ? {
          model,
          error: random() < 0.6 ? 'context length exceeded' : 'rate limited',
          prompt_tokens: prompt,
        }
      : {
          model,
          inference_time_ms: round(latency * tokens),
          tokens_generated: tokens,
          prompt_tokens: prompt,
          total_tokens: tokens + prompt,
          latency_per_token_ms: latency,
        },
    timestamp: new Date(at).toISOString(),
  };
}

function load(at: number, random: () => number): DemoEvent {
  const local = models.filter((each) => 'load' in each);
  const { model, load } = local[Math.floor(random() * local.length)] as (typeof local)[number];
  const isFailed = random() < 0.05;
  const seconds = round(load * Math.exp(0.15 * spread(random)), 2);
  return {
    event_type: 'LOAD_LATENCY',
    component: model,
    value: seconds,
    status: isFailed ? 'ERROR' : 'OK',
    metadata: {
      model,
      load_time_ms: seconds * 1000,
      ...(isFailed && { error: 'CUDA out of memory' }),
    },
    timestamp: new Date(at).toISOString(),
  };
}

/** Events of the last `hours`, every so often. */
export function demoEvents(now: number, hours: number, seed = 7): DemoEvent[] {
  const random = randomFrom(seed);
  const events: DemoEvent[] = [];
  for (let at = now - hours * hourMs; at < now - 500; at += 5000) {
    if (at % 15_000 < 5000) for (const card of cards) events.push(check(at, now, random, card));
    const busy = 1 + 0.6 * Math.sin(at / (20 * minuteMs));
    for (let calls = 0; calls < 12 * busy; calls += 1)
      events.push(thought(at + 4900 * random(), random));
    if (random() < 0.02) events.push(load(at, random));
  }
  return events;
}

/** Of a Sunday as the first, how much of the usual work is done. */
const week = [0.35, 1, 1.12, 1.2, 1.08, 0.96, 0.42];
const agents = ['router', 'planner', 'coder', 'reviewer'];
const projects = ['gravitas', 'atlas', 'notes'];
const users = ['ada', 'grace', 'linus', 'barbara'];

function call(at: number, random: () => number): DemoUsage {
  const { model, layer, provider, token } = choose(random);
  const isFailed = random() < 0.003;
  const input = Math.ceil(400 + 14_000 * random() ** 2);
  const cached = provider === 'vllm' ? 0 : Math.floor(input * 0.7 * random());
  const output = isFailed ? 0 : Math.ceil(40 + 900 * random() ** 2);
  const first = round(120 + token * 30 * random());
  const pick = (names: readonly string[]) => names[Math.floor(random() * names.length)] as string;
  return {
    model,
    layer,
    provider,
    operation: 'chat',
    input_tokens: input,
    cached_tokens: cached,
    ...(provider === 'anthropic' && { cache_write_tokens: Math.floor((input - cached) * 0.3) }),
    output_tokens: output,
    ...(model.startsWith('gpt') && { reasoning_tokens: Math.floor(output * 0.4) }),
    duration_ms: round(first + output * token * 0.3),
    time_to_first_token_ms: first,
    agent: pick(agents),
    project: pick(projects),
    user_id: pick(users),
    session_id: `s-${Math.floor(at / dayMs)}-${Math.floor(random() * 5)}`,
    status: isFailed ? 'ERROR' : 'OK',
    ...(isFailed && { error_type: 'rate_limit' }),
    // What is local costs what its hours cost.
    ...(layer === 'L1' && { cost_usd: round((output * token * 0.11) / 3_600_000 + 0.000_001, 6) }),
    response_id: uuidv7(),
    timestamp: new Date(at).toISOString(),
  };
}

/** Calls of the last `days`, most of them in working hours. */
export function demoUsage(now: number, days: number, callsADay: number, seed = 11): DemoUsage[] {
  const random = randomFrom(seed);
  const calls: DemoUsage[] = [];
  const first = Math.floor(now / dayMs) - days + 1;
  for (let day = first; day <= Math.floor(now / dayMs); day += 1) {
    const share = week[new Date(day * dayMs).getUTCDay()] as number;
    for (let left = callsADay * share * (0.85 + 0.3 * random()); left > 0; left -= 1) {
      const at = day * dayMs + (13 + 2.6 * spread(random) * 2) * hourMs;
      if (at < now - 1000) calls.push(call(at, random));
    }
  }
  // The last hour is what Now shows, beside the one before.
  return [...calls, ...demoCalls(now - 2 * hourMs, now - 1000, seed)];
}

/** Calls that follow each other by some seconds. */
export function demoCalls(from: number, to: number, seed: number): DemoUsage[] {
  const random = randomFrom(seed);
  const calls: DemoUsage[] = [];
  for (let at = from + 8000 * random(); at < to; at += 8000 * (0.5 + random()))
    calls.push(call(at, random));
  return calls;
}
