import { type Kysely, type RawBuilder, sql } from 'kysely';
import { rowsOf } from '../../database/older-names.ts';
import type { Database } from '../../database/schema.ts';
import type { RecordKind } from '../../records/tables.ts';
import type { Trx } from '../../rollup/state.ts';
import { sqlInstant } from '../ask/instants.ts';
import { type EventRow, eventColumns } from '../lists/list-events.ts';
import { type FullUsageRow, usageColumns } from '../lists/list-usage.ts';
import { hasShownTime } from '../row-values.ts';
import type { Span } from './commit-notes.ts';

/** What somebody wants to be told of a kind. */
export interface Wanted {
  readonly kind: RecordKind;
  readonly condition: RawBuilder<boolean>;
}

export type FollowedRow = EventRow | FullUsageRow;

export interface Found {
  readonly row: FollowedRow;
  /** By the order of the wanted. */
  readonly isWanted: readonly boolean[];
}

/** So many bounds fit into one statement. */
const spansTogether = 100;

const columnsOf = { event: eventColumns, usage: usageColumns } as const;

const isWantedBy = (wanted: readonly Wanted[]): RawBuilder<unknown> =>
  sql`array[${sql.join(wanted.map(({ condition }) => sql`coalesce(${condition}, false)`))}]`;

const isWantedByAny = (wanted: readonly Wanted[]): RawBuilder<boolean> =>
  sql`(${sql.join(
    wanted.map(({ condition }) => condition),
    sql` or `,
  )})`;

/** Between the epochs of PostgreSQL and of 1970. */
const epochUs = 946_684_800_000_000;
const timeOf = (us: number): RawBuilder<Date> => sqlInstant(us + epochUs);

const within = (spans: readonly Span[]): RawBuilder<boolean> =>
  sql`(${sql.join(
    spans.map(([from, to]) => sql`"timestamp" between ${timeOf(from)} and ${timeOf(to)}`),
    sql` or `,
  )})`;

/** Some of what is wanted, and of all that is, how much. */
export interface Matches {
  readonly found: readonly Found[];
  /** By the order of the wanted. */
  readonly counts: readonly number[];
}

/** Rows in some spans that meet a condition and are wanted by anybody, oldest first. */
export async function findWanted(
  trx: Trx,
  wanted: readonly Wanted[],
  spans: readonly Span[],
  condition: RawBuilder<boolean>,
  rowsMax: number,
): Promise<Matches> {
  const [first] = wanted;
  const found: Found[] = [];
  const counts = wanted.map(() => 0);
  for (let at = 0; first && at < spans.length; at += spansTogether) {
    const source = sql`${rowsOf(first.kind, undefined, ['xmin'])} as record where
      ${within(spans.slice(at, at + spansTogether))} and ${condition}
      and ${hasShownTime} and ${isWantedByAny(wanted)}`;
    const rowsLeft = Math.max(0, rowsMax - found.length);
    const part = await read(trx, first.kind, wanted, source, rowsLeft);
    found.push(...part);
    const all = part.length < rowsLeft ? countsOf(wanted, part) : await count(trx, wanted, source);
    for (const [index, more] of all.entries()) counts[index] = (counts[index] ?? 0) + more;
  }
  return { found, counts };
}

export const countsOf = (wanted: readonly Wanted[], found: readonly Found[]): number[] =>
  wanted.map((_, index) => found.filter(({ isWanted }) => isWanted[index]).length);

async function read(
  trx: Trx,
  kind: RecordKind,
  wanted: readonly Wanted[],
  source: RawBuilder<unknown>,
  limit: number,
): Promise<Found[]> {
  const { rows } = await sql<FollowedRow & { is_wanted: boolean[] }>`
    select ${columnsOf[kind]}, ${isWantedBy(wanted)} as is_wanted
    from ${source} order by "timestamp", id limit ${limit}`.execute(trx);
  return rows.map(({ is_wanted, ...row }) => ({ row: row as FollowedRow, isWanted: is_wanted }));
}

async function count(
  trx: Trx,
  wanted: readonly Wanted[],
  source: RawBuilder<unknown>,
): Promise<number[]> {
  const { rows } = await sql<{ counts: number[] }>`
    select json_build_array(${sql.join(
      wanted.map(({ condition }) => sql`count(*) filter (where ${condition})`),
    )}) as counts from ${source}`.execute(trx);
  return rows[0]?.counts ?? [];
}

/** Rows of a partition that are not rolled up, but of some (sub)transactions; undefined: too many. */
export async function findUnrolled(
  trx: Trx,
  leaf: string,
  wanted: readonly Wanted[],
  kind: RecordKind,
  known: ReadonlySet<string>,
  rowsMax: number,
): Promise<(Found & { readonly by: string })[] | undefined> {
  type Row = FollowedRow & { by: string; scanned: number; is_wanted: boolean[] };
  const { rows } = await sql<Row>`
    with found as materialized (
      select *, xmin as by from ${sql.table(leaf)} where rolled is false limit ${rowsMax + 1}
    ), fresh as materialized (
      select * from found where by <> all(${[...known]}::text[]::xid[])
    )
    select ${columnsOf[kind]}, by::text as by, (select count(*) from found) as scanned,
      ${wanted.length > 0 ? isWantedBy(wanted) : sql`'{}'::boolean[]`} as is_wanted
    from ${rowsOf(kind, sql.table('fresh'), ['by'])} as record where ${hasShownTime}`.execute(trx);
  const tooMany = (rows[0]?.scanned ?? 0) > rowsMax;
  if (tooMany) return undefined;
  return rows.map(({ by, scanned: _, is_wanted, ...row }) => ({
    by,
    row: row as FollowedRow,
    isWanted: is_wanted,
  }));
}

/** The newest that are wanted, oldest first. */
export async function findRecent(
  trx: Kysely<Database>,
  wanted: Wanted,
  limit: number,
): Promise<FollowedRow[]> {
  const { rows } = await sql<FollowedRow>`
    select ${columnsOf[wanted.kind]} from ${rowsOf(wanted.kind)} as record
    where ${hasShownTime} and ${wanted.condition}
    order by "timestamp" desc, id desc limit ${limit}`.execute(trx);
  return rows.toReversed();
}
