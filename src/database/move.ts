import { pipeline } from 'node:stream/promises';
import type pg from 'pg';
import { escapeIdentifier, escapeLiteral } from 'pg';
import { from as copyFrom, to as copyTo } from 'pg-copy-streams';
import { StartError } from '../errors.ts';
import { dataTables } from './expected-tables.ts';

/** What is of one installation, and no data: who tells it what it has, and what its release knows. */
const leftOut = ['telemetry_schema', 'telemetry_key_demand', 'move_progress'];

/** What is in these, somebody has put there. */
const ownData = [...dataTables, 'dead_letters', 'batch_ledger', 'telemetry_keys'];

/** A table, or one partition of it: what is copied in one transaction. */
interface Part {
  readonly name: string;
  readonly parent: string;
  /** Of a partition, as `create table … partition of` has them. */
  readonly bounds: string | null;
}

export interface Moved {
  readonly part: string;
  readonly rows: number;
  /** Found to be there from an earlier run. */
  readonly before: boolean;
}

/**
 * Copies every table from one database to another, whose schema is there, part by part: each in a
 * transaction that also notes it, so that a move that broke off goes on where it was. Nobody writes
 * to either meanwhile. Throws a `StartError` where the other one has data of its own, or no place for
 * something.
 */
export async function* move(source: pg.ClientBase, target: pg.ClientBase): AsyncGenerator<Moved> {
  await refusePlaceless(source, target);
  const id = await identityOf(source);
  const done = await begin(id, target);
  for (const part of await parts(source)) {
    const rows = done.get(part.name);
    if (rows !== undefined) yield { part: part.name, rows, before: true };
    else yield { part: part.name, rows: await copyPart(source, target, part, id), before: false };
  }
  await copyComments(source, target);
  await target.query('drop table move_progress');
}

/** What somebody has added by hand: no release makes that elsewhere. */
async function refusePlaceless(source: pg.ClientBase, target: pg.ClientBase): Promise<void> {
  const [here, there] = [await columnsByTable(source), await columnsByTable(target)];
  const missing = [...here].flatMap(([table, columns]) => {
    const known = there.get(table);
    if (!known) return [table];
    return columns.filter((name) => !known.includes(name)).map((name) => `${table}.${name}`);
  });
  if (missing.length === 0) return;
  throw new StartError(
    `the other database has no ${missing.join(', ')}: create that there as it is here, or drop it here, and run it again`,
  );
}

async function columnsByTable(client: pg.ClientBase): Promise<Map<string, string[]>> {
  const { rows } = await client.query(
    `select quote_ident(relname) as name, array(
        select quote_ident(attname)::text from pg_attribute
        where attrelid = c.oid and attnum > 0 and not attisdropped and attgenerated = ''
        order by attnum
      ) as columns
      from pg_class c
      where relkind in ('r', 'p') and not relispartition
        and relnamespace = current_schema()::regnamespace and not relname = any($1)
      order by relname`,
    [leftOut],
  );
  return new Map(rows.map(({ name, columns }) => [name, columns]));
}

/** What is noted of tables themselves: from when on the ledger knows ids, for one. */
async function copyComments(source: pg.ClientBase, target: pg.ClientBase): Promise<void> {
  const { rows } = await source.query(
    `select c.relname as name, description from pg_class c join pg_description d on d.objoid = c.oid
      where classoid = 'pg_class'::regclass and objsubid = 0
        and c.relkind in ('r', 'p') and c.relnamespace = current_schema()::regnamespace`,
  );
  for (const { name, description } of rows) {
    await target.query(
      `comment on table ${escapeIdentifier(name)} is ${escapeLiteral(description)}`,
    );
  }
}

async function identityOf(client: pg.ClientBase): Promise<string> {
  const { rows } = await client.query(
    'select system_identifier::text as id from pg_control_system()',
  );
  return rows[0].id;
}

/** What an earlier run has copied of the same database. */
async function begin(id: string, target: pg.ClientBase): Promise<Map<string, number>> {
  const found = await target.query("select to_regclass('move_progress') as there");
  if (found.rows[0].there === null) {
    for (const table of ownData) {
      const { rowCount } = await target.query(`select from ${table} limit 1`);
      if (rowCount === 0) continue;
      throw new StartError(
        `the other database has records of its own, in ${table}: move to an empty one`,
      );
    }
    await target.query(
      'create table move_progress (source text, part text, rows bigint not null, primary key (source, part))',
    );
  }
  const noted = await target.query('select source, part, rows from move_progress');
  if (noted.rows.some((row) => row.source !== id)) {
    throw new StartError('the other database holds a part of what another one has');
  }
  return new Map(noted.rows.map((row) => [row.part, Number(row.rows)]));
}

/** Tables and leaves, the smallest numbers of series first, which rows refer to. */
async function parts(source: pg.ClientBase): Promise<Part[]> {
  const { rows } = await source.query(
    `select c.relname as name, coalesce(p.relname, c.relname) as parent,
        pg_get_expr(c.relpartbound, c.oid) as bounds
      from pg_class c
        left join pg_inherits i on i.inhrelid = c.oid
        left join pg_class p on p.oid = i.inhparent
      where c.relkind = 'r' and c.relnamespace = current_schema()::regnamespace
        and not coalesce(p.relname, c.relname) = any($1)
        and not exists (
          select from pg_attribute a
          where a.attrelid = c.oid and a.atttypid = 'xid8'::regtype and not a.attisdropped)
      order by p.relname nulls first, c.relname`,
    [leftOut],
  );
  return rows;
}

async function copyPart(
  source: pg.ClientBase,
  target: pg.ClientBase,
  { name, parent, bounds }: Part,
  id: string,
): Promise<number> {
  const columns = await columnsOf(source, name);
  await target.query('begin');
  try {
    if (bounds !== null && bounds !== 'DEFAULT') {
      await target.query(
        `create table if not exists ${escapeIdentifier(name)} partition of ${escapeIdentifier(parent)} ${bounds}`,
      );
    }
    // What a migration puts into a new table is here as well.
    await target.query(`truncate ${escapeIdentifier(name)}`);
    const out = source.query(
      copyTo(`copy ${escapeIdentifier(name)} (${columns}) to stdout (format binary)`),
    );
    const into = target.query(
      copyFrom(`copy ${escapeIdentifier(name)} (${columns}) from stdin (format binary)`),
    );
    await pipeline(out, into);
    await continueNumbers(target, name);
    await target.query('insert into move_progress values ($1, $2, $3)', [id, name, into.rowCount]);
    await target.query('commit');
    return into.rowCount;
  } catch (error) {
    await target.query('rollback').catch(() => {});
    throw error;
  }
}

async function columnsOf(client: pg.ClientBase, table: string): Promise<string> {
  const { rows } = await client.query(
    `select string_agg(quote_ident(attname), ', ' order by attnum) as columns from pg_attribute
      where attrelid = to_regclass($1) and attnum > 0 and not attisdropped and attgenerated = ''`,
    [escapeIdentifier(table)],
  );
  return rows[0].columns;
}

/** Identities go on after the highest that was copied. */
async function continueNumbers(client: pg.ClientBase, table: string): Promise<void> {
  const { rows } = await client.query(
    `select attname as name from pg_attribute
      where attrelid = to_regclass($1) and attidentity <> '' and not attisdropped`,
    [escapeIdentifier(table)],
  );
  for (const { name } of rows) {
    await client.query(
      `select setval(pg_get_serial_sequence($1, $2), coalesce(max(${escapeIdentifier(name)}), 0) + 1, false)
        from ${escapeIdentifier(table)}`,
      [escapeIdentifier(table), name],
    );
  }
}
