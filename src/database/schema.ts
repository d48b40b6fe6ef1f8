import type { ColumnType, Generated, JSONColumnType } from 'kysely';

/** The tables as Kysely sees them. Times are read as Date, at millisecond precision. */
export interface Database {
  system_telemetry: SystemTelemetryTable;
  usage_stats: UsageStatsTable;
  batch_ledger: BatchLedgerTable;
  adoption: AdoptionTable;
}

interface SystemTelemetryTable {
  id: Generated<string>;
  timestamp: Generated<Date>;
  observed_at: Generated<Date>;
  event_type: string;
  component: string | null;
  value: number | null;
  /** Whatever an older writer put there: not always an object. */
  metadata: ColumnType<unknown, string | null, string | null>;
  status: string | null;
}

interface UsageStatsTable {
  id: Generated<string>;
  timestamp: Generated<Date>;
  observed_at: Generated<Date>;
  model: string | null;
  layer: string | null;
  provider: string | null;
  operation: string | null;
  prompt_tokens: Generated<number | null>;
  completion_tokens: Generated<number | null>;
  cached_tokens: Generated<number | null>;
  reasoning_tokens: Generated<number | null>;
  duration_ms: number | null;
  cost_usd: string | null;
  ghost_id: string | null;
  shell_id: string | null;
  metadata: ColumnType<unknown, string | null, string | null>;
}

/** One row a stored batch: what makes a repetition harmless. */
interface BatchLedgerTable {
  batch_id: string;
  fingerprint: Buffer;
  /** The group commit that stored the batch. */
  group_id: string;
  /** Null where every record was stored. */
  answer: JSONColumnType<object | null>;
  committed_at: Generated<Date>;
}

/** How far the copying of an older table's rows has come. */
interface AdoptionTable {
  source: string;
  target: 'system_telemetry' | 'usage_stats';
  last_id: string | null;
  rows_copied: Generated<string>;
  started_at: Generated<Date>;
  finished_at: Date | null;
}
