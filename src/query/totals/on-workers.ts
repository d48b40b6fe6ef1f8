import { type RawBuilder, sql } from 'kysely';
import type { RowsRead } from '../../rollup/parts-sql.ts';
import { type Columns, readAside } from '../../rollup/read-aside.ts';
import type { Shape } from '../../rollup/shapes.ts';
import type { Trx } from '../../rollup/state.ts';
import { addedColumns, addedTypes, addedUp } from '../../rollup/totals.ts';
import { type Measured, partly } from './measures.ts';
import { bucketOf, type Group, type Parts, type Question } from './parts.ts';

/**
 * Where rows lie on the workers of a cluster: these add them up by group and part of the span, and
 * only what comes of it is read. The rest of a question, such as several groupings at once, workers
 * do not know; it is asked of that.
 */
export async function addedOnWorkers(
  trx: Trx,
  { groupBy, measured, bordersUs }: Question,
  parts: Parts,
): Promise<Parts> {
  // A constant can't be grouped by.
  const buckets = bordersUs ? ['bucket'] : [];
  const constant = bordersUs ? sql`` : sql`, 0 as bucket`;
  const groups = groupBy.map((_, index) => `g${index}`);
  const sums = measured.measures.map(
    (measure) => sql`${partly(measure)} as ${sql.ref(measure.name)}`,
  );
  const ofSums = sql`
    select ${sql.join([...columns([...groups, ...buckets]), ...sums])} ${constant}
    from (${parts.sums}) as parts ${groupedBy([...groups, ...buckets])}`;
  const ofCells = async (named: readonly Group[]) => {
    const places = named.length > 0 ? ['place'] : [];
    const by = [...places, ...buckets, 'what', 'key'];
    return sql`
      select ${sql.join(columns(by))}, sum(count)::bigint as count ${constant}
        ${named.length > 0 ? sql`` : sql`, 0 as place`}
      from ${await parts.cells(named)} as parts ${groupedBy(by)}`;
  };
  const sumTypes = { ...Object.fromEntries(groups.map((name) => [name, 'text'])), bucket: 'int' };
  return {
    ...parts,
    sums: sql`
      select * from ${await readAside(trx, ofSums, { ...sumTypes, ...typesOf(measured) })} as added`,
    cells: async (named) => await readAside(trx, await ofCells(named), cellTypes),
  };
}

const columns = (names: readonly string[]) => names.map((name) => sql.ref(name));

/** No rows add up to none, and not to one of which nothing is known. */
const groupedBy = (names: readonly string[]): RawBuilder<unknown> =>
  names.length > 0 ? sql`group by ${sql.join(columns(names))}` : sql`having count(*) > 0`;

/** Of what `partly` gives. */
const typesOf = ({ measures }: Measured): Columns =>
  Object.fromEntries(
    measures.map(({ name, how }) => [
      name,
      how === 'count' || how === 'decimal' ? 'numeric' : 'float8',
    ]),
  );

const cellTypes = { place: 'int', bucket: 'int', what: 'int', key: 'int', count: 'bigint' };

const period = sql.ref('period');
const part = (bordersUs: Question['bordersUs']): RawBuilder<unknown>[] =>
  bordersUs ? [bucketOf(period, bordersUs)] : [];
const groupTypes = { group: 'text[]', period: 'timestamptz' };

/** Rows become such as levels have. The last time of all that are of one part stands for it. */
export const addedToLevels = (
  trx: Trx,
  shape: Shape,
  ofRow: RawBuilder<unknown>,
  bordersUs: Question['bordersUs'],
): RowsRead => ({
  onWorkers: true,
  ofRow,
  asParts: async (rows) => {
    const query = sql`
      select "group", max(period) as period, ${addedUp(shape)}
      from (${rows}) as raw ("group", period, ${addedColumns(shape)})
      group by ${sql.join([sql`"group"`, ...part(bordersUs)])}`;
    const added = await readAside(trx, query, { ...groupTypes, ...addedTypes(shape) });
    return sql`select "group", period, ${addedColumns(shape)} from ${added} as added`;
  },
});

/** Rows become sketches of one key each. `numbers`: of a row, in the order of the shape's values. */
export function addedToSketches(
  trx: Trx,
  { values }: Shape,
  numbers: readonly RawBuilder<unknown>[],
  bordersUs: Question['bordersUs'],
  onWorkers: boolean,
): RowsRead {
  const keys = values.map((_, index) => sql.ref(`key${index}`));
  const each = keys.map((key, which) => sql`(${sql.lit(which)}, ${key})`);
  const sketches = values.map((_, which) => {
    const isOf = sql`what = ${sql.lit(which)}`;
    return sql`
      case when ${isOf} then array[key] else '{}'::int[] end,
      case when ${isOf} then array[count] else '{}'::int[] end,
      case when not ${isOf} then ''::bytea end`;
  });
  return {
    onWorkers,
    ofRow: sql.join(
      numbers.map(
        (number) => sql`case when ${number} is not null then telemetry_sketch_key(${number}) end`,
      ),
    ),
    asParts: async (rows) => {
      const query = sql`
        select "group", max(period) as period, what, key, count(*)::int as count
        from (${rows}) as raw ("group", period, ${sql.join(keys)})
          cross join lateral (values ${sql.join(each)}) as each (what, key)
        where key is not null
        group by ${sql.join([sql`"group"`, ...part(bordersUs), sql`what`, sql`key`])}`;
      const columns = { ...groupTypes, what: 'int', key: 'int', count: 'int' };
      const added = onWorkers ? await readAside(trx, query, columns) : sql`(${query})`;
      return sql`select "group", period, ${sql.join(sketches)} from ${added} as added`;
    },
  };
}
