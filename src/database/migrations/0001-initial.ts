import { type Kysely, sql } from 'kysely';

/**
 * The tables of the first release. Tables of the same names that older services have filled are
 * renamed to `…_legacy` and noted in `adoption`; their rows are copied by a job of its own.
 */
export async function up(db: Kysely<unknown>): Promise<void> {
  await sql`set local lock_timeout = '10s'`.execute(db);
  await createAdoption(db);
  await setAside(db, 'system_telemetry');
  await setAside(db, 'usage_stats');
  await createSystemTelemetry(db);
  await createUsageStats(db);
  await createBatchLedger(db);
  await passOnPrivileges(db, 'system_telemetry');
  await passOnPrivileges(db, 'usage_stats');
}

async function createAdoption(db: Kysely<unknown>): Promise<void> {
  await sql`
    create table adoption (
      source text primary key,
      target text not null,
      last_id bigint,
      rows_copied bigint not null default 0,
      started_at timestamptz not null default now(),
      finished_at timestamptz
    )`.execute(db);
}

async function setAside(db: Kysely<unknown>, table: string): Promise<void> {
  const { rows } = await sql<{ found: boolean }>`
    select exists (
      select from pg_class where oid = to_regclass(${table}) and relkind = 'r'
    ) as found`.execute(db);
  if (!rows[0]?.found) return;
  const legacy = `${table}_legacy`;
  await sql`alter table ${sql.table(table)} rename to ${sql.ref(legacy)}`.execute(db);
  await sql`insert into adoption (source, target) values (${legacy}, ${table})`.execute(db);
}

async function createSystemTelemetry(db: Kysely<unknown>): Promise<void> {
  await sql`
    create table system_telemetry (
      id uuid not null default gen_random_uuid(),
      "timestamp" timestamptz not null default now(),
      observed_at timestamptz not null default now(),
      event_type text not null,
      component text,
      value double precision,
      metadata jsonb,
      status text
    ) partition by range ("timestamp")`.execute(db);
  await sql`create table system_telemetry_default partition of system_telemetry default`.execute(
    db,
  );
  await sql`create index on system_telemetry ("timestamp")`.execute(db);
  await sql`create index on system_telemetry (component, event_type, "timestamp")`.execute(db);
}

/** Columns and defaults let the first generation's direct inserts go on. */
async function createUsageStats(db: Kysely<unknown>): Promise<void> {
  await sql`
    create table usage_stats (
      id uuid not null default gen_random_uuid(),
      "timestamp" timestamptz not null default now(),
      observed_at timestamptz not null default now(),
      model text,
      layer text,
      provider text,
      operation text,
      prompt_tokens bigint default 0,
      completion_tokens bigint default 0,
      cached_tokens bigint default 0,
      reasoning_tokens bigint default 0,
      duration_ms double precision,
      cost_usd numeric,
      ghost_id text,
      shell_id text,
      metadata jsonb
    ) partition by range ("timestamp")`.execute(db);
  await sql`create table usage_stats_default partition of usage_stats default`.execute(db);
  await sql`create index on usage_stats ("timestamp")`.execute(db);
}

/** Partitioned by the time inside the UUIDv7, so that old ids are forgotten by dropping. */
async function createBatchLedger(db: Kysely<unknown>): Promise<void> {
  await sql`
    create table batch_ledger (
      batch_id uuid primary key,
      fingerprint bytea not null,
      group_id uuid not null,
      answer jsonb,
      committed_at timestamptz not null default now()
    ) partition by range (batch_id)`.execute(db);
  await sql`create table batch_ledger_default partition of batch_ledger default`.execute(db);
}

/** Whoever could use the older table, its owner included, can use the new one. */
async function passOnPrivileges(db: Kysely<unknown>, table: string): Promise<void> {
  const { rows } = await sql<{ grantee: string; privilege: string }>`
    select
      case when acl.grantee = 0 then 'public' else quote_ident(pg_get_userbyid(acl.grantee)) end
        as grantee,
      lower(acl.privilege_type) as privilege
    from pg_class,
      aclexplode(coalesce(relacl, acldefault('r', relowner))) as acl
    where oid = to_regclass(${`${table}_legacy`})
      and acl.privilege_type in ('SELECT', 'INSERT', 'UPDATE', 'DELETE', 'TRUNCATE')`.execute(db);
  for (const { grantee, privilege } of rows) {
    await sql`grant ${sql.raw(privilege)} on ${sql.table(table)} to ${sql.raw(grantee)}`.execute(
      db,
    );
  }
}
