/** What a caller may say of an event besides its type. */
export interface EventFields {
  /** Where it was observed, for example `L1` or a model name. At most 256 bytes. */
  readonly component?: string | null | undefined;
  /** The measured number, finite. Its unit follows from the event type. */
  readonly value?: number | null | undefined;
  /** Anything else; copied shallowly. What is beyond 60 KiB of JSON is left out. */
  readonly metadata?: object | null | undefined;
  /** For example `OK`, `WARNING` or `ERROR`. At most 64 bytes. */
  readonly status?: string | null | undefined;
  /** When it happened, as a Date or in milliseconds since 1970; the time of the call otherwise. */
  readonly timestamp?: Date | number | null | undefined;
}

/** What a caller may say of token usage besides the five arguments of `logUsage`. */
export interface UsageFields {
  /** Who served the call (`gen_ai.provider.name`). */
  readonly provider?: string | undefined;
  /** What was asked for (`gen_ai.operation.name`), for example `chat`. */
  readonly operation?: string | undefined;
  /** Those of the prompt's tokens that were read from the provider's cache. */
  readonly cachedTokens?: number | undefined;
  /** Those of the completion's tokens that were spent on reasoning. */
  readonly reasoningTokens?: number | undefined;
  /** Those of the prompt's tokens that were written to the provider's cache. */
  readonly cacheWriteTokens?: number | undefined;
  /** Those of `cacheWriteTokens` that the provider keeps for an hour. */
  readonly cacheWrite1hTokens?: number | undefined;
  /** In US dollars. */
  readonly costUsd?: number | undefined;
  /** Where `costUsd` comes from; `client` otherwise. */
  readonly costSource?: string | undefined;
  /** From the request to the first token of the answer. */
  readonly timeToFirstTokenMs?: number | undefined;
  /** For example `OK` or `ERROR`. */
  readonly status?: string | undefined;
  /** What went wrong (`error.type`). */
  readonly errorType?: string | undefined;
  /** The provider's service tier that served the call. */
  readonly serviceTier?: string | undefined;
  /**
   * The provider's id of the answer (`gen_ai.response.id`). A call is counted once, however often
   * it is logged, where it has this, else a request id (both with `provider`), else a trace and a
   * span id.
   */
  readonly responseId?: string | undefined;
  /** The provider's id of the request. */
  readonly requestId?: string | undefined;
  readonly traceId?: string | undefined;
  /** The call's own span. */
  readonly spanId?: string | undefined;
  /** The conversation (`gen_ai.conversation.id`). */
  readonly sessionId?: string | undefined;
  /** The agent that made the call (`gen_ai.agent.name`). */
  readonly agent?: string | undefined;
  /** Who the call was made for (`user.id`). */
  readonly userId?: string | undefined;
  readonly team?: string | undefined;
  readonly project?: string | undefined;
  /** By which rule the tokens were counted; the contract's otherwise. */
  readonly usageRule?: string | undefined;
  /** The identity on whose behalf the call was made. */
  readonly ghostId?: string | undefined;
  /** The shell that made the call. */
  readonly shellId?: string | undefined;
  readonly metadata?: object | undefined;
  readonly timestamp?: Date | number | undefined;
}

/** One event or usage record as it waits in the queue: taken from the caller, not yet looked at. */
export type TelemetryRecord = EventRecord | UsageRecord;

export interface EventRecord {
  readonly kind: 'event';
  readonly timeUs: number;
  readonly eventType: string;
  readonly component: unknown;
  readonly value: unknown;
  readonly metadata: unknown;
  readonly status: unknown;
}

export interface UsageRecord {
  readonly kind: 'usage';
  readonly timeUs: number;
  readonly model: string;
  readonly layer: unknown;
  readonly promptTokens: unknown;
  readonly completionTokens: unknown;
  readonly durationMs: unknown;
  readonly more: Readonly<Record<string, unknown>>;
  readonly metadata: unknown;
}
