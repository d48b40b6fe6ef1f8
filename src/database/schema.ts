import type { ColumnType, Generated, JSONColumnType } from 'kysely';
import type { TableName } from '../records/tables.ts';
import type {
  RetentionDayTable,
  RetentionDropTable,
  RollupVerificationTable,
} from './retention-schema.ts';
import type {
  RollupFreshTable,
  RollupHistoryTable,
  RollupMergeTable,
  RollupRepairTable,
  RollupStateTable,
} from './rollup-schema.ts';

/** The tables as Kysely sees them. Times are read as Date, at millisecond precision. */
export interface Database {
  system_telemetry: SystemTelemetryTable;
  usage_stats: UsageStatsTable;
  batch_ledger: BatchLedgerTable;
  call_claims: CallClaimTable;
  erasures: ErasureTable;
  dead_letters: DeadLetterTable;
  adoption: AdoptionTable;
  telemetry_schema: TelemetrySchemaTable;
  telemetry_keys: TelemetryKeysTable;
  telemetry_audit: TelemetryAuditTable;
  telemetry_key_demand: TelemetryKeyDemandTable;
  telemetry_collectors: TelemetryCollectorTable;
  rollup_state: RollupStateTable;
  rollup_fresh: RollupFreshTable;
  rollup_merges: RollupMergeTable;
  rollup_history: RollupHistoryTable;
  retention_days: RetentionDayTable;
  retention_drops: RetentionDropTable;
  rollup_verifications: RollupVerificationTable;
  rollup_repairs: RollupRepairTable;
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
  /** Whether it is rolled up; null for rows from before there were rollups. */
  rolled: Generated<boolean | null>;
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
  cache_write_tokens: Generated<number | null>;
  cache_write_1h_tokens: Generated<number | null>;
  session_id: string | null;
  response_id: string | null;
  request_id: string | null;
  agent: string | null;
  user_id: string | null;
  team: string | null;
  project: string | null;
  trace_id: string | null;
  span_id: string | null;
  time_to_first_token_ms: number | null;
  status: string | null;
  error_type: string | null;
  service_tier: string | null;
  /** `client` or `computed`; null without a cost, and in rows of the releases before. */
  cost_source: string | null;
  /** By which rule the tokens were counted; null in rows of the releases before. */
  usage_rule: string | null;
  /** True where a part of the tokens is greater than its whole. */
  ambiguous: boolean | null;
  /** Whether it is rolled up; null for rows from before there were rollups. */
  rolled: Generated<boolean | null>;
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

/** One row a model call: what makes another record of it a repetition. */
interface CallClaimTable {
  call_key: string;
  row_id: string;
  row_time: Date;
  claimed_at: Generated<Date>;
}

/** Whom nothing is stored of any more that was received before. */
interface ErasureTable {
  id: Generated<string>;
  field: string;
  hash: Buffer;
  erased_at: Generated<Date>;
}

/** Rows that PostgreSQL refused, with the reason. */
interface DeadLetterTable {
  id: Generated<string>;
  batch_id: string;
  table_name: string;
  /** A tuple of binary COPY, in the columns of `tables`. */
  row: Buffer;
  /** The same for people. */
  payload: ColumnType<unknown, string, string>;
  reason: string;
  created_at: Generated<Date>;
}

/** How far the copying of an older table's rows has come. */
interface AdoptionTable {
  source: string;
  target: TableName;
  /** Part of the ids of its rows: a table that is created again repeats the older ids. */
  number: Generated<number>;
  /** The bookmark where the older ids are integers … */
  last_id: string | null;
  /** … and where they are not. */
  last_key: string | null;
  rows_total: string | null;
  rows_copied: Generated<string>;
  /** Rows that PostgreSQL does not take, which are kept as dead letters. */
  rows_refused: Generated<string>;
  /** Why no row is copied, and what to do. */
  obstacle: string | null;
  /** Whether rows may have been copied before the bookmark was lost, and are looked for. */
  checked: Generated<boolean>;
  started_at: Generated<Date>;
  finished_at: Date | null;
  dropped_at: Date | null;
}

/** One row a secret. */
export interface TelemetryKeysTable {
  id: string;
  name: string;
  secret_hash: Buffer;
  scopes: string[];
  records_per_second: number | null;
  bytes_per_second: number | null;
  buffer_share: number | null;
  query_share: number | null;
  certificate: string | null;
  created_at: Generated<Date>;
  expires_at: Date | null;
  revoked_at: Date | null;
  last_used_at: Date | null;
}

/** What operators did. */
interface TelemetryAuditTable {
  id: Generated<string>;
  recorded_at: Generated<Date>;
  caller: string;
  action: string;
  detail: JSONColumnType<object>;
}

/** What the callers of each collector ask for. */
interface TelemetryKeyDemandTable {
  collector: string;
  seen_at: Generated<Date>;
  demand: JSONColumnType<Record<string, readonly [number, number]>>;
}

/** What each collector says of itself. */
interface TelemetryCollectorTable {
  collector: string;
  seen_at: Generated<Date>;
  /** A `gravitas.telemetry.v1.Collector` in JSON. */
  status: JSONColumnType<object>;
}

/** The migrations that were run. */
interface TelemetrySchemaTable {
  name: string;
  release: number;
  applied_at: Generated<Date>;
}
