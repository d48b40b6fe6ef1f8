import { type RawBuilder, sql } from 'kysely';
import { type RecordKind, tables } from '../records/tables.ts';

/**
 * What services of the second generation call columns of usage records, which go on inserting by
 * these names. The sweep moves what they have written to ours: docs/decisions.
 */
export const olderNames = {
  model: 'model_name',
  prompt_tokens: 'tokens_input',
  completion_tokens: 'tokens_output',
} as const;

type OurName = keyof typeof olderNames;
const ours = Object.keys(olderNames) as OurName[];
const isOurs = (column: string): column is OurName => Object.hasOwn(olderNames, column);

/** The value of a column of ours, whichever name it was written by; counts are 0 by default. */
function eitherName(name: OurName): RawBuilder<unknown> {
  const [own, older] = [sql.ref(name), sql.ref(olderNames[name])];
  return name === 'model'
    ? sql`coalesce(${own}, ${older})`
    : sql`coalesce(nullif(${own}, 0), ${older}, ${own})`;
}

const underOurName = (name: string): RawBuilder<unknown> =>
  isOurs(name) ? eitherName(name) : sql.ref(name);

/** Columns of usage records as ours, each value whichever name it was written by. */
export const underOurNames = <Name extends string>(columns: readonly Name[]) =>
  columns.map((name) => underOurName(name).as(name));

/**
 * What to read records from, so that each value stands under our name for its column: their table,
 * or one of its partitions. `also`: what is wanted beside our columns.
 */
export function rowsOf(
  kind: RecordKind,
  from: RawBuilder<unknown> = sql.table(tables[kind].name),
  also: readonly string[] = [],
): RawBuilder<unknown> {
  if (kind === 'event') return from;
  const columns = tables.usage.columns.map(
    (name) => sql`${underOurName(name)} as ${sql.ref(name)}`,
  );
  return sql`(select ${sql.join([...also.map((name) => sql.ref(name)), ...columns])} from ${from})`;
}

/** What an update sets so that values are under our names alone; begins with a comma. */
export function takenOver(kind: RecordKind): RawBuilder<unknown> {
  if (kind === 'event') return sql``;
  const set = ours.flatMap((name) => [
    sql`${sql.ref(name)} = ${eitherName(name)}`,
    sql`${sql.ref(olderNames[name])} = null`,
  ]);
  return sql`, ${sql.join(set)}`;
}

/** Whether something of a row is under an older name. */
export const hasOlderNames = sql<boolean>`(${sql.join(
  ours.map((name) => sql`${sql.ref(olderNames[name])} is not null`),
  sql` or `,
)})`;
