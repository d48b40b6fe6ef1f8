import type { Kysely } from 'kysely';
import { recordKinds, type TableName, tables } from '../records/tables.ts';
import { kindNames, type Relation, relationsNamed } from './catalog.ts';
import type { Database } from './schema.ts';
import { lackColumns } from './written-columns.ts';

interface ExpectedTable {
  /** What it is partitioned by, null if it is not. */
  readonly key: string | null;
  /** A column of which no two rows may have the same value: else it would know nothing again. */
  readonly unique?: string;
  /** Columns by which it is known as ours, each with its type. Later migrations may add others. */
  readonly columns: Readonly<Record<string, string>>;
}

const time = 'timestamp with time zone';

/** Tables that hold records. Tables of the same names are those of older services. */
export const dataTables = recordKinds.map((kind) => tables[kind].name);
export type DataTable = TableName;

const seriesColumns = { id: 'integer', hash: 'uuid', margins: 'integer[]' };
const levelColumns = (prefix: string) => ({
  bucket: time,
  series: 'integer',
  [`${prefix}keys`]: 'integer[]',
  [`${prefix}counts`]: 'integer[]',
});
const eventLevel = { key: null, columns: levelColumns('') };
const usageLevel = { key: null, columns: levelColumns('duration_') };

const expected = {
  system_telemetry: {
    key: 'RANGE ("timestamp")',
    columns: {
      id: 'uuid',
      timestamp: time,
      observed_at: time,
      event_type: 'text',
      component: 'text',
      value: 'double precision',
      metadata: 'jsonb',
      status: 'text',
    },
  },
  usage_stats: {
    key: 'RANGE ("timestamp")',
    columns: {
      id: 'uuid',
      timestamp: time,
      observed_at: time,
      model: 'text',
      layer: 'text',
      provider: 'text',
      operation: 'text',
      prompt_tokens: 'bigint',
      completion_tokens: 'bigint',
      cached_tokens: 'bigint',
      reasoning_tokens: 'bigint',
      duration_ms: 'double precision',
      cost_usd: 'numeric',
      ghost_id: 'text',
      shell_id: 'text',
      metadata: 'jsonb',
    },
  },
  batch_ledger: {
    key: 'RANGE (batch_id)',
    unique: 'batch_id',
    columns: {
      batch_id: 'uuid',
      fingerprint: 'bytea',
      group_id: 'uuid',
      answer: 'jsonb',
      committed_at: time,
    },
  },
  call_claims: {
    key: null,
    unique: 'call_key',
    columns: { call_key: 'uuid', row_id: 'uuid', row_time: time, claimed_at: time },
  },
  erasures: {
    key: null,
    columns: { id: 'uuid', field: 'text', hash: 'bytea', erased_at: time },
  },
  dead_letters: {
    key: null,
    unique: 'id',
    columns: {
      id: 'uuid',
      batch_id: 'uuid',
      table_name: 'text',
      row: 'bytea',
      reason: 'text',
      created_at: time,
    },
  },
  adoption: {
    key: null,
    unique: 'source',
    columns: { source: 'text', target: 'text', last_id: 'bigint', rows_copied: 'bigint' },
  },
  telemetry_schema: {
    key: null,
    columns: { name: 'text', release: 'integer', applied_at: time },
  },
  telemetry_keys: {
    key: null,
    columns: {
      id: 'text',
      name: 'text',
      secret_hash: 'bytea',
      scopes: 'text[]',
      expires_at: time,
      revoked_at: time,
    },
  },
  telemetry_audit: {
    key: null,
    columns: { id: 'uuid', recorded_at: time, caller: 'text', action: 'text', detail: 'jsonb' },
  },
  telemetry_key_demand: {
    key: null,
    columns: { collector: 'uuid', seen_at: time, demand: 'jsonb' },
  },
  commit_notes: {
    key: null,
    columns: { xid: 'xid8', kind: 'text', rows: 'integer', times: 'bigint[]', ids: 'uuid[]' },
  },
  telemetry_collectors: {
    key: null,
    columns: { collector: 'uuid', seen_at: time, status: 'jsonb' },
  },
  rollup_state: { key: null, columns: { settled_at: time, raw_floor: time } },
  rollup_fresh: { key: null, columns: { kind: 'text', events: 'integer', data: 'bytea' } },
  rollup_merges: { key: null, columns: { kind: 'text', level: 'text', bucket: time } },
  rollup_history: { key: null, columns: { kind: 'text', partition_name: 'text' } },
  rollup_repairs: { key: null, columns: { kind: 'text', bucket: time } },
  event_series: { key: null, columns: seriesColumns },
  event_rollup_quarter: eventLevel,
  event_rollup_hour: eventLevel,
  event_rollup_day: eventLevel,
  usage_series: { key: null, columns: seriesColumns },
  usage_rollup_quarter: usageLevel,
  usage_rollup_hour: usageLevel,
  usage_rollup_day: usageLevel,
  retention_days: { key: null, columns: { day: 'date' } },
  retention_drops: {
    key: null,
    columns: { table_name: 'text', partition_name: 'text', to_time: time, bytes: 'bigint' },
  },
  rollup_verifications: {
    key: null,
    columns: { night: 'date', finished_at: time, differences: 'integer', found: 'jsonb' },
  },
  // The first release's own list, which it looks at when one goes back to it.
  telemetry_migration: { key: null, columns: { name: 'character varying' } },
} as const satisfies Record<string, ExpectedTable>;

export type ExpectedName = keyof typeof expected;
export const expectedNames = Object.keys(expected) as ExpectedName[];

export const uniqueColumn = (table: ExpectedName): string | undefined =>
  (expected[table] as ExpectedTable).unique;

/** A table that is not as it should be. */
export interface Damage {
  readonly table: ExpectedName;
  readonly kind: 'missing' | 'foreign' | 'no default partition' | 'no key';
  /** For people. */
  readonly reason: string;
}

/** What is not as it should be, of all the tables that are ours. */
export async function findDamage(db: Kysely<Database>): Promise<readonly Damage[]> {
  return (await lookAtTables(db)).damage;
}

interface Look {
  readonly damage: readonly Damage[];
  /** The OIDs of the partitions that there are. */
  readonly partitions: ReadonlySet<number>;
  /** Whether columns are missing: a collector of the release before has made a table anew. */
  readonly isBehind: boolean;
}

/** The same, and what else there is to see. */
export async function lookAtTables(db: Kysely<Database>): Promise<Look> {
  const found = await relationsNamed(db, expectedNames);
  const damage = expectedNames.flatMap((table): Damage[] => {
    const damage = damageOf(found.get(table), expected[table]);
    return damage ? [{ table, ...damage, reason: `${table} ${damage.reason}` }] : [];
  });
  const partitions = new Set([...found.values()].flatMap((relation) => relation.partitions));
  return { damage, partitions, isBehind: lackColumns(found) };
}

function damageOf(
  relation: Relation | undefined,
  { key, unique, columns }: ExpectedTable,
): Omit<Damage, 'table'> | undefined {
  if (!relation) return { kind: 'missing', reason: 'is missing' };
  const kind = key === null ? 'r' : 'p';
  if (relation.kind !== kind) return { kind: 'foreign', reason: `is ${kindNames(relation.kind)}` };
  if (relation.key !== key) {
    return { kind: 'foreign', reason: `is partitioned by ${relation.key}` };
  }
  for (const [name, type] of Object.entries(columns)) {
    const found = relation.columns[name];
    if (found === undefined) return { kind: 'foreign', reason: `has no column ${name}` };
    if (found !== type && !(type === 'text' && found === 'character varying')) {
      return { kind: 'foreign', reason: `has ${name} as ${found}, not ${type}` };
    }
  }
  if (key !== null && !relation.has_default) {
    return { kind: 'no default partition', reason: 'has no default partition' };
  }
  if (unique === undefined || relation.keys.includes(unique)) return undefined;
  return { kind: 'no key', reason: `has no unique key ${unique}` };
}
