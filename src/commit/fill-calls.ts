import { type RawBuilder, sql, type Transaction } from 'kysely';
import type pg from 'pg';
import { isDistributed } from '../database/cluster/layout.ts';
import { noteMoved } from '../database/moved-rows.ts';
import type { Database } from '../database/schema.ts';
import { mayBeDataFault } from '../postgres/sqlstate.ts';
import { tables } from '../records/tables.ts';
import { readTuple } from '../records/tuples.ts';
import { type ChangedRow, rolledAfter, wasRolled } from '../rollup/corrections.ts';
import { usageShape } from '../rollup/shapes.ts';
import type { Bookkeeping } from './bookkeeping.ts';
import { type Repetition, timeText } from './call-claims.ts';
import { tableOf } from './copy.ts';
import { fillOnWorkers } from './fill-on-workers.ts';
import { filledCosts } from './filled-costs.ts';
import { tableIn } from './schema-in-use.ts';
import { writeCosts } from './written-costs.ts';

/** What a later record of a call may say where the first says nothing, by type. */
const filled = {
  layer: 'text',
  provider: 'text',
  operation: 'text',
  duration_ms: 'double precision',
  ghost_id: 'text',
  shell_id: 'text',
  metadata: 'text',
  session_id: 'text',
  response_id: 'text',
  request_id: 'text',
  agent: 'text',
  user_id: 'text',
  team: 'text',
  project: 'text',
  trace_id: 'text',
  span_id: 'text',
  time_to_first_token_ms: 'double precision',
  status: 'text',
  error_type: 'text',
  service_tier: 'text',
} as const;

/** Counts belong together: the first record's, unless it counts nothing at all. */
const counts = [
  'prompt_tokens',
  'completion_tokens',
  'cached_tokens',
  'reasoning_tokens',
  'cache_write_tokens',
  'cache_write_1h_tokens',
] as const;

const list = (parts: readonly RawBuilder<unknown>[]) => sql.join(parts, sql`, `);
const of = (table: 'stored' | 'later', columns: readonly string[]) =>
  list(columns.map((column) => sql`coalesce(${sql.ref(`${table}.${column}`)}, 0)`));
const countsNothing = (table: 'stored' | 'later') =>
  sql`(${of(table, counts)}) = (${list(counts.map(() => sql`0`))})`;

const takesCounts = sql`(${countsNothing('stored')} and not ${countsNothing('later')})`;
const isComputed = (column: string) => sql`coalesce(${sql.ref(column)} ~ '^(list|own)@', false)`;
/** A client's cost wins over a computed one, which is taken only with the counts that it is of. */
const takesCost = sql`(
  later.cost_usd is not null
  and (stored.cost_usd is null or ${isComputed('stored.cost_source')})
  and case when ${isComputed('later.cost_source')}
    then stored.cost_usd is null
      and (${takesCounts} or (${of('stored', counts)}) = (${of('later', counts)}))
    else true end
)`;

const fills = Object.keys(filled).map((column) => ({
  column,
  value: sql`coalesce(${sql.ref(`stored.${column}`)},
    ${sql.ref(`later.${column}`)}${column === 'metadata' ? sql`::jsonb` : sql``})`,
  isNew: sql`(${sql.ref(`stored.${column}`)} is null and ${sql.ref(`later.${column}`)} is not null)`,
}));
const takes = (condition: RawBuilder<unknown>, columns: readonly string[]) =>
  columns.map((column) => ({
    column,
    value: sql`case when ${condition} then ${sql.ref(`later.${column}`)} else ${sql.ref(`stored.${column}`)} end`,
  }));
const changes = [
  ...fills,
  ...takes(takesCounts, [...counts, 'usage_rule', 'ambiguous']),
  ...takes(takesCost, ['cost_usd', 'cost_source']),
];
const assigned = list(changes.map(({ column, value }) => sql`${sql.ref(column)} = ${value}`));
const isChanged = sql.join([...fills.map(({ isNew }) => isNew), takesCounts, takesCost], sql` or `);

const types = {
  row_id: 'uuid',
  row_time: 'timestamptz',
  ...filled,
  ...Object.fromEntries(counts.map((column) => [column, 'bigint'])),
  usage_rule: 'text',
  ambiguous: 'boolean',
  cost_usd: 'numeric',
  cost_source: 'text',
};
const typed = list(
  Object.entries(types).map(([column, type]) => sql`${sql.ref(column)} ${sql.raw(type)}`),
);

/** Money has no more decimals than it came with. */
const given = list(
  Object.keys(types).map((column) =>
    column === 'cost_usd' ? sql`trim_scale(cost_usd) as cost_usd` : sql.ref(column),
  ),
);

/**
 * Has stored rows of calls say what later records of these calls say besides, and corrects what is
 * rolled up of them. Rows that were erased or dropped meanwhile stay so.
 */
export async function fillCalls(
  trx: Transaction<Database>,
  client: pg.ClientBase,
  repetitions: readonly Repetition[],
  { fresh, pricer }: Bookkeeping,
): Promise<void> {
  if (repetitions.length === 0) return;
  await fresh.beforeChange(trx, 'usage');
  const onWorkers = await isDistributed(trx, tables.usage.name);
  let rest = repetitions;
  while (rest.length > 0) {
    // One record a row and statement.
    const next = new Map(rest.toReversed().map((repetition) => [repetition.place.id, repetition]));
    const taken = new Set(next.values());
    const filled = await fillOnce(trx, client, [...taken], onWorkers);
    await fresh.correct(trx, 'usage', await withCosts(trx, client, filled, pricer));
    rest = rest.filter((repetition) => !taken.has(repetition));
  }
}

/** The same where something may be in the way of some of them: those stay as they are. */
export async function fillDivided(
  trx: Transaction<Database>,
  client: pg.ClientBase,
  repetitions: readonly Repetition[],
  books: Bookkeeping,
): Promise<void> {
  for (const repetition of repetitions) {
    await sql`savepoint fill`.execute(trx);
    try {
      await fillCalls(trx, client, [repetition], books);
    } catch (error) {
      if (!mayBeDataFault(error)) throw error;
      await sql`rollback to savepoint fill`.execute(trx);
    }
    await sql`release savepoint fill`.execute(trx);
  }
}

/** Rows that were filled, with the costs that follow from it. */
async function withCosts(
  trx: Transaction<Database>,
  client: pg.ClientBase,
  filled: readonly ChangedRow[],
  pricer: Bookkeeping['pricer'],
): Promise<readonly ChangedRow[]> {
  const costs = pricer ? filledCosts(pricer, filled) : [];
  if (costs.length === 0) return filled;
  const priced = await writeCosts(trx, costs, tableIn(client, tables.usage.name));
  const again = new Set(costs.map(({ row }) => row));
  return [...filled.filter(({ before }) => !again.has(before)), ...priced];
}

async function fillOnce(
  trx: Transaction<Database>,
  client: pg.ClientBase,
  repetitions: readonly Repetition[],
  onWorkers: boolean,
): Promise<ChangedRow[]> {
  const later = repetitions.map(({ row, place }) => ({
    ...readTuple(row, tableOf('usage', row), true),
    row_id: place.id,
    row_time: timeText(place),
  }));
  // Bounds of their own keep other partitions out of the plan.
  const times = later.map(({ row_time }) => row_time).toSorted();
  const table = tableIn(client, tables.usage.name);
  const inRange = (column: string) => sql`
    ${sql.ref(column)} between ${times[0]}::timestamptz and ${times.at(-1)}::timestamptz`;
  if (onWorkers) {
    const filling = { table, later, inRange, assigned, typed, given, isChanged };
    return await fillOnWorkers(trx, client, filling);
  }
  const { rows } = await sql<ChangedRow>`
    with later as materialized (
      select ${given} from json_to_recordset(${JSON.stringify(later)}::json) as record (${typed})
    ), before as materialized (
      select stored.*, ${wasRolled(usageShape, 'stored')} as was_rolled,
        stored.xmin as stored_by
      from ${table} as stored join later
        on stored.id = later.row_id and stored."timestamp" = later.row_time
      where ${inRange('stored.timestamp')} and (${isChanged})
      order by stored.id
      for update of stored
    ), changed as (
      update ${table} as stored
      set ${assigned}, rolled = ${rolledAfter('stored')}
      from before join later on before.id = later.row_id and before."timestamp" = later.row_time
      where stored.id = before.id and stored."timestamp" = before."timestamp"
        and ${inRange('stored.timestamp')}
      returning before.id, before."timestamp", before.stored_by as before,
        (to_jsonb(before) - 'was_rolled' - 'stored_by')::text as was,
        to_jsonb(stored)::text as "is", was_rolled
    ), noted as (
      ${noteMoved('usage', 'filled', sql`changed`, tableIn(client, 'commit_notes'))}
    )
    select was as before, "is" as after, was_rolled from changed`.execute(trx);
  return rows;
}
