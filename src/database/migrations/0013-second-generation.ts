import { type Kysely, sql } from 'kysely';

/**
 * Columns that services of the second generation insert into, and that nobody else does; the sweep
 * moves their values to ours. A collector of the release before sweeps without knowing of them: what
 * it has claimed is found by an index.
 */
export async function up(db: Kysely<unknown>): Promise<void> {
  await sql`
    alter table usage_stats
      add column if not exists model_name text,
      add column if not exists tokens_input bigint,
      add column if not exists tokens_output bigint`.execute(db);
  await createIndex(db);
  await createView(db);
}

async function createIndex(db: Kysely<unknown>): Promise<void> {
  const [whole, part] = ['usage_stats_older_names_idx', 'usage_stats_default_older_names_idx'];
  const { rows } = await sql`
    select from pg_class join pg_namespace as space on space.oid = relnamespace
    where nspname = current_schema() and relname = ${whole}`.execute(db);
  if (rows.length > 0) return;
  const what = sql`("timestamp") where rolled
    and (model_name is not null or tokens_input is not null or tokens_output is not null)`;
  await sql`create index ${sql.ref(whole)} on only usage_stats ${what}`.execute(db);
  await sql`create index if not exists ${sql.ref(part)} on usage_stats_default ${what}`.execute(db);
  await sql`alter index ${sql.ref(whole)} attach partition ${sql.ref(part)}`.execute(db);
}

/** As before, whichever name a value was written by. */
async function createView(db: Kysely<unknown>): Promise<void> {
  const finite = (name: string) => sql`
    case when ${sql.ref(name)} not in ('NaN', 'Infinity', '-Infinity') then ${sql.ref(name)} end
    as ${sql.ref(name)}`;
  await sql`
    create or replace view telemetry_usage as
    select id, "timestamp", observed_at, coalesce(model, model_name) as model, layer, provider,
      operation, agent, project, team, user_id, session_id, ghost_id, shell_id,
      coalesce(nullif(prompt_tokens, 0), tokens_input, prompt_tokens) as input_tokens,
      coalesce(nullif(completion_tokens, 0), tokens_output, completion_tokens) as output_tokens,
      cached_tokens, cache_write_tokens, cache_write_1h_tokens, reasoning_tokens,
      ${finite('duration_ms')}, ${finite('time_to_first_token_ms')}, ${finite('cost_usd')},
      cost_source, usage_rule, ambiguous, status, error_type, service_tier, response_id, request_id,
      trace_id, span_id, metadata from usage_stats`.execute(db);
}
