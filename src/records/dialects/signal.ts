/** What an emitter sends, as far as it matters for usage: a log event or a span. */
export interface Signal {
  readonly kind: 'log' | 'span';
  /** Of the event or the span. */
  readonly name: string;
  /** Values as they came: some emitters send numbers as strings. */
  readonly attributes: Attributes;
  /** Of what sends, `OTEL_RESOURCE_ATTRIBUTES` among them. */
  readonly resource?: Attributes;
}

export type Attributes = Readonly<Record<string, unknown>>;

/** One model call, by the names of the contract. */
export interface DialectUsage {
  readonly model: string;
  readonly provider?: string;
  readonly operation?: string;
  readonly input_tokens: number;
  readonly output_tokens: number;
  readonly cached_tokens?: number;
  readonly cache_write_tokens?: number;
  readonly reasoning_tokens?: number;
  readonly duration_ms?: number;
  readonly time_to_first_token_ms?: number;
  readonly cost_usd?: number;
  readonly session_id?: string;
  readonly response_id?: string;
  readonly request_id?: string;
  readonly agent?: string;
  readonly user_id?: string;
  readonly team?: string;
  readonly project?: string;
  readonly error_type?: string;
  readonly service_tier?: string;
}

export type Fields = { -readonly [Name in keyof DialectUsage]?: DialectUsage[Name] | undefined };

/** The first of some attributes that is a count, or a measure; strings of digits are numbers too. */
export function numberOf(attributes: Attributes, ...names: readonly string[]): number | undefined {
  for (const name of names) {
    const value = attributes[name];
    const isText = typeof value === 'string' && value.trim() !== '';
    const number = isText || typeof value === 'bigint' ? Number(value) : value;
    if (typeof number === 'number' && Number.isFinite(number) && number >= 0) return number;
  }
  return undefined;
}

/** The first of some attributes that is a text which says something. */
export function textOf(attributes: Attributes, ...names: readonly string[]): string | undefined {
  for (const name of names) {
    const value = attributes[name];
    if (typeof value === 'string' && value.trim() !== '') return value.trim();
  }
  return undefined;
}
