import { besideCounts, geminiCounts, insideCounts } from './counts.ts';
import type { Rule } from './rule.ts';
import { numberOf, type Signal, textOf } from './signal.ts';

/** Whether a program says that it has sent a signal: of its spans some have any name. */
const isSentBy = ({ resource = {} }: Signal, service: RegExp) =>
  service.test(textOf(resource, 'service.name') ?? '');

const isEvent = ({ kind, name, attributes }: Signal, event: string, short: string) =>
  kind === 'log' &&
  (name === event ||
    textOf(attributes, 'event.name') === event ||
    textOf(attributes, 'event.name') === short);

export const claudeCode: Rule = {
  name: 'claude_code',
  isOf: (signal) =>
    signal.name.startsWith('claude_code.') ||
    isSentBy(signal, /^claude-code$/) ||
    isEvent(signal, 'claude_code.api_request', 'api_request'),
  read: (signal) => {
    if (!isEvent(signal, 'claude_code.api_request', 'api_request')) return undefined;
    const { attributes: a } = signal;
    return {
      read: besideCounts({
        input: numberOf(a, 'input_tokens') ?? 0,
        output: numberOf(a, 'output_tokens') ?? 0,
        cached: numberOf(a, 'cache_read_tokens'),
        cacheWrite: numberOf(a, 'cache_creation_tokens'),
      }),
      fields: {
        provider: 'anthropic',
        model: textOf(a, 'model'),
        cost_usd: numberOf(a, 'cost_usd'),
        duration_ms: numberOf(a, 'duration_ms'),
        request_id: textOf(a, 'request_id'),
        session_id: textOf(a, 'session.id'),
        user_id: textOf(a, 'user.account_uuid', 'user.id'),
      },
    };
  },
};

export const codex: Rule = {
  name: 'codex',
  isOf: (signal) =>
    signal.name.startsWith('codex.') ||
    textOf(signal.attributes, 'event.name')?.startsWith('codex.') === true ||
    isSentBy(signal, /^codex_/) ||
    // Its spans repeat the counts by the names of the conventions.
    Object.keys(signal.attributes).some((name) => name.startsWith('codex.')),
  read: (signal) => {
    const { attributes: a } = signal;
    const isDone = textOf(a, 'event.kind') === 'response.completed';
    if (!isDone || !isEvent(signal, 'codex.sse_event', 'codex.sse_event')) return undefined;
    return {
      read: insideCounts({
        input: numberOf(a, 'input_token_count', 'gen_ai.usage.input_tokens') ?? 0,
        output: numberOf(a, 'output_token_count', 'gen_ai.usage.output_tokens') ?? 0,
        cached: numberOf(a, 'cached_token_count', 'gen_ai.usage.cache_read.input_tokens'),
        cacheWrite: numberOf(a, 'gen_ai.usage.cache_write.input_tokens'),
        reasoning: numberOf(a, 'reasoning_token_count', 'codex.usage.reasoning_output_tokens'),
      }),
      fields: {
        provider: 'openai',
        model: textOf(a, 'model', 'slug'),
        duration_ms: numberOf(a, 'duration_ms'),
        session_id: textOf(a, 'conversation.id'),
        user_id: textOf(a, 'user.account_id'),
      },
    };
  },
};

export const geminiCli: Rule = {
  name: 'gemini_cli',
  isOf: (signal) =>
    signal.name.startsWith('gemini_cli.') ||
    textOf(signal.attributes, 'event.name')?.startsWith('gemini_cli.') === true ||
    isSentBy(signal, /^gemini-cli$/),
  read: (signal) => {
    const { attributes: a } = signal;
    if (!isEvent(signal, 'gemini_cli.api_response', 'gemini_cli.api_response')) return undefined;
    const raw = {
      input: numberOf(a, 'input_token_count') ?? 0,
      output: numberOf(a, 'output_token_count') ?? 0,
      cached: numberOf(a, 'cached_content_token_count'),
      reasoning: numberOf(a, 'thoughts_token_count'),
      total: numberOf(a, 'total_token_count'),
    };
    return {
      read: geminiCounts(raw, numberOf(a, 'tool_token_count') ?? 0),
      fields: {
        provider: 'gcp.gemini',
        model: textOf(a, 'model'),
        duration_ms: numberOf(a, 'duration_ms'),
        session_id: textOf(a, 'session.id'),
        response_id: textOf(a, 'response_id'),
      },
    };
  },
};
