import { likelyCounts } from './counts.ts';
import type { Rule, RuleResult } from './rule.ts';
import { type Attributes, numberOf, type Signal, textOf } from './signal.ts';

const seconds = (value: number | undefined) => (value === undefined ? undefined : value * 1000);
const has = (attributes: Attributes, prefix: string) =>
  Object.keys(attributes).some((name) => name.startsWith(prefix));
export const vercelAi: Rule = {
  name: 'vercel_ai',
  isOf: ({ kind, name }) => kind === 'span' && name.startsWith('ai.'),
  read: ({ name, attributes: a }) => {
    if (!/\.do(?:Generate|Stream|Embed)$/.test(name)) return undefined;
    const of = (part: string) => numberOf(a, `ai.usage.${part}`);
    return {
      read: likelyCounts({
        input: of('inputTokens') ?? of('promptTokens') ?? of('tokens') ?? 0,
        output: of('outputTokens') ?? of('completionTokens') ?? 0,
        cached: of('inputTokenDetails.cacheReadTokens') ?? of('cachedInputTokens'),
        cacheWrite: of('inputTokenDetails.cacheWriteTokens'),
        reasoning: of('outputTokenDetails.reasoningTokens') ?? of('reasoningTokens'),
      }),
      fields: {
        provider: textOf(a, 'ai.model.provider', 'gen_ai.system'),
        model: textOf(a, 'ai.response.model', 'gen_ai.response.model', 'ai.model.id'),
        response_id: textOf(a, 'ai.response.id', 'gen_ai.response.id'),
        time_to_first_token_ms: numberOf(a, 'ai.response.msToFirstChunk'),
        user_id: textOf(a, 'ai.telemetry.metadata.userId'),
        session_id: textOf(a, 'ai.telemetry.metadata.sessionId'),
      },
    };
  },
};

export const openInference: Rule = {
  name: 'openinference',
  isOf: ({ attributes }) =>
    'openinference.span.kind' in attributes || has(attributes, 'llm.token_count.'),
  read: ({ attributes: a }) => {
    const kind = textOf(a, 'openinference.span.kind')?.toUpperCase();
    if (kind !== 'LLM' && kind !== 'EMBEDDING') return undefined;
    const of = (part: string) => numberOf(a, `llm.token_count.${part}`);
    return {
      read: likelyCounts({
        input: of('prompt') ?? 0,
        output: of('completion') ?? 0,
        cached: of('prompt_details.cache_read') ?? of('prompt_details.cache_input'),
        cacheWrite: of('prompt_details.cache_write'),
        reasoning: of('completion_details.reasoning'),
      }),
      fields: {
        provider: textOf(a, 'llm.provider', 'llm.system'),
        model: textOf(a, 'llm.model_name', 'embedding.model_name'),
        cost_usd: numberOf(a, 'llm.cost.total'),
        session_id: textOf(a, 'session.id'),
        user_id: textOf(a, 'user.id'),
        agent: textOf(a, 'agent.name'),
      },
    };
  },
};

/** Of all generations of the conventions, the newest first. */
const genAiNames = {
  input: ['gen_ai.usage.input_tokens', 'gen_ai.usage.prompt_tokens'],
  output: ['gen_ai.usage.output_tokens', 'gen_ai.usage.completion_tokens'],
  cached: [
    'gen_ai.usage.cache_read.input_tokens',
    'gen_ai.usage.cache_read_input_tokens',
    'gen_ai.usage.cache_read_tokens',
    'gen_ai.usage.cached_input_tokens',
    'gen_ai.usage.cached_tokens',
    'gen_ai.usage.details.cache_read_tokens',
    'llm.usage.cache_read_input_tokens',
  ],
  cacheWrite: [
    'gen_ai.usage.cache_write.input_tokens',
    'gen_ai.usage.cache_creation.input_tokens',
    'gen_ai.usage.cache_creation_input_tokens',
    'gen_ai.usage.cache_write_tokens',
    'gen_ai.usage.details.cache_write_tokens',
    'llm.usage.cache_creation_input_tokens',
  ],
  reasoning: [
    'gen_ai.usage.reasoning.output_tokens',
    'gen_ai.usage.reasoning_tokens',
    'gen_ai.usage.details.reasoning_tokens',
    'llm.usage.reasoning_tokens',
  ],
} as const;

function readGenAi({ attributes: a }: Signal): RuleResult | undefined {
  const input = numberOf(a, ...genAiNames.input);
  const output = numberOf(a, ...genAiNames.output);
  if (input === undefined && output === undefined) return undefined;
  return {
    read: likelyCounts({
      input: input ?? 0,
      output: output ?? 0,
      cached: numberOf(a, ...genAiNames.cached),
      cacheWrite: numberOf(a, ...genAiNames.cacheWrite),
      reasoning: numberOf(a, ...genAiNames.reasoning),
    }),
    fields: {
      provider: textOf(a, 'gen_ai.provider.name', 'gen_ai.system'),
      model: textOf(a, 'gen_ai.response.model', 'gen_ai.request.model'),
      operation: textOf(a, 'gen_ai.operation.name', 'llm.request.type'),
      response_id: textOf(a, 'gen_ai.response.id'),
      session_id: textOf(a, 'gen_ai.conversation.id', 'session.id'),
      agent: textOf(a, 'gen_ai.agent.name'),
      user_id: textOf(a, 'user.id', 'enduser.id'),
      error_type: textOf(a, 'error.type'),
      service_tier: textOf(
        a,
        'gen_ai.response.service_tier',
        'openai.response.service_tier',
        'gen_ai.openai.response.service_tier',
      ),
      time_to_first_token_ms: seconds(numberOf(a, 'gen_ai.response.time_to_first_chunk')),
      cost_usd: costOf(a),
    },
  };
}

/** As it is proposed, with its currency; else as libraries have it, in dollars. */
function costOf(a: Attributes): number | undefined {
  const amount = numberOf(a, 'gen_ai.usage.cost.amount');
  if (amount === undefined) return numberOf(a, 'gen_ai.usage.cost', 'operation.cost');
  return textOf(a, 'gen_ai.usage.cost.currency')?.toUpperCase() === 'USD' ? amount : undefined;
}

/** Operations of which each is one model call; the others carry the sums of what they do. */
const callOperations = new Set([
  ...['chat', 'text_completion', 'generate_content', 'embeddings'],
  // Of libraries that have names of their own for these.
  ...['completion', 'embedding', 'responses', 'call_llm'],
]);
const isParent = (name: string) =>
  /^(?:invoke_agent|create_agent|invoke_workflow|execute_tool|agent|workflow)\b/.test(name);

function isCall({ kind, name, attributes: a }: Signal): boolean {
  if (kind !== 'span') return false;
  // A server of models (vLLM) tells how long it took for what its client's span counts.
  if (has(a, 'gen_ai.latency.')) return false;
  const operation = textOf(a, 'gen_ai.operation.name')?.toLowerCase();
  return operation === undefined ? !isParent(name) : callOperations.has(operation);
}

export const openLlmetry: Rule = {
  name: 'openllmetry',
  isOf: ({ attributes }) => has(attributes, 'traceloop.') || has(attributes, 'llm.usage.'),
  // Spans of others have names of workflows too, where they are inside of these.
  read: (signal) =>
    'traceloop.span.kind' in signal.attributes || !isCall(signal) ? undefined : readGenAi(signal),
};

export const genAi: Rule = {
  name: 'gen_ai',
  isOf: ({ attributes }) => has(attributes, 'gen_ai.'),
  read: (signal) => (isCall(signal) ? readGenAi(signal) : undefined),
};

export const unknown: Rule = {
  name: 'unknown',
  isOf: () => true,
  read: ({ attributes: a }) => {
    const input = numberOf(a, 'input_tokens', 'prompt_tokens', 'usage.input_tokens');
    const output = numberOf(a, 'output_tokens', 'completion_tokens', 'usage.output_tokens');
    if (input === undefined || output === undefined) return undefined;
    return {
      read: likelyCounts({
        input,
        output,
        cached: numberOf(a, 'cached_tokens', 'cache_read_tokens', 'cache_read_input_tokens'),
        cacheWrite: numberOf(a, 'cache_write_tokens', 'cache_creation_input_tokens'),
        reasoning: numberOf(a, 'reasoning_tokens'),
      }),
      fields: {
        provider: textOf(a, 'provider', 'llm.provider'),
        model: textOf(a, 'model', 'llm.model', 'model_name'),
        duration_ms: numberOf(a, 'duration_ms'),
        cost_usd: numberOf(a, 'cost_usd'),
        session_id: textOf(a, 'session.id', 'session_id'),
        user_id: textOf(a, 'user.id', 'user_id'),
        request_id: textOf(a, 'request_id'),
        response_id: textOf(a, 'response_id'),
      },
    };
  },
};
