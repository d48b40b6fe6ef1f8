/** The two kinds of record, the tables they go to, and the columns in the order in which rows are encoded. */
export const recordKinds = ['event', 'usage'] as const;
export type RecordKind = (typeof recordKinds)[number];

export const tables = {
  event: {
    name: 'system_telemetry',
    columns: [
      'id',
      'timestamp',
      'observed_at',
      'event_type',
      'component',
      'value',
      'metadata',
      'status',
      'rolled',
    ],
  },
  usage: {
    name: 'usage_stats',
    columns: [
      'id',
      'timestamp',
      'observed_at',
      'model',
      'layer',
      'provider',
      'operation',
      'prompt_tokens',
      'completion_tokens',
      'cached_tokens',
      'reasoning_tokens',
      'duration_ms',
      'cost_usd',
      'ghost_id',
      'shell_id',
      'metadata',
      'cache_write_tokens',
      'cache_write_1h_tokens',
      'session_id',
      'response_id',
      'request_id',
      'agent',
      'user_id',
      'team',
      'project',
      'trace_id',
      'span_id',
      'time_to_first_token_ms',
      'status',
      'error_type',
      'service_tier',
      'cost_source',
      'usage_rule',
      'ambiguous',
      'rolled',
    ],
  },
} as const satisfies Record<RecordKind, { name: string; columns: readonly string[] }>;

export type TableName = (typeof tables)[RecordKind]['name'];

export type RecordCounts = Readonly<Record<RecordKind, number>>;

/** One of something for each kind. */
export const byKind = <T>(of: (kind: RecordKind) => T) =>
  Object.fromEntries(recordKinds.map((kind) => [kind, of(kind)])) as Record<RecordKind, T>;
