import { type RawBuilder, sql } from 'kysely';
import type { RowsRead } from '../../rollup/parts-sql.ts';
import type { Shape } from '../../rollup/shapes.ts';
import { addedColumns, addedUp } from '../../rollup/totals.ts';
import { partly } from './measures.ts';
import { bucketOf, groupColumn, type Parts, type Question } from './parts.ts';

/**
 * Where rows lie on the workers of a cluster: these add them up by group and part of the span, and
 * only what comes of it is read. The rest of a question, such as several groupings at once, workers
 * do not know; it is asked of that.
 */
export function addedOnWorkers({ groupBy, measured, bordersUs }: Question, parts: Parts): Parts {
  const groups = groupBy.map((_, index) => groupColumn(index));
  // A constant can't be grouped by.
  const places = bordersUs ? [...groups, sql.ref('bucket')] : groups;
  const shown = sql.join([...places, ...(bordersUs ? [] : [sql`0 as bucket`])]);
  const sums = measured.measures.map(
    (measure) => sql`${partly(measure)} as ${sql.ref(measure.name)}`,
  );
  return {
    ...parts,
    sums: alone(sql`
      select ${shown}, ${sql.join(sums)} from (${parts.sums}) as parts ${groupedBy(places)}`),
    cells: alone(sql`
      select ${shown}, what, key, sum(count)::bigint as count from (${parts.cells}) as parts
      ${groupedBy([...places, sql.ref('what'), sql.ref('key')])}`),
  };
}

/** No rows add up to none, and not to one of which nothing is known. */
const groupedBy = (columns: readonly RawBuilder<unknown>[]): RawBuilder<unknown> =>
  columns.length > 0 ? sql`group by ${sql.join(columns)}` : sql`having count(*) > 0`;

const alone = (query: RawBuilder<unknown>): RawBuilder<unknown> =>
  sql`with added as materialized (${query}) select * from added`;

const period = sql.ref('period');
const part = (bordersUs: Question['bordersUs']): RawBuilder<unknown>[] =>
  bordersUs ? [bucketOf(period, bordersUs)] : [];

/** Rows become such as levels have. The last time of all that are of one part stands for it. */
export const addedToLevels = (
  shape: Shape,
  ofRow: RawBuilder<unknown>,
  bordersUs: Question['bordersUs'],
): RowsRead => ({
  onWorkers: true,
  ofRow,
  addRows: (rows) => sql`
    select "group", max(period) as period, ${addedUp(shape)}
    from (${rows}) as raw ("group", period, ${addedColumns(shape)})
    group by ${sql.join([sql`"group"`, ...part(bordersUs)])}`,
});

/** Rows become sketches of one key each. `numbers`: of a row, in the order of the shape's values. */
export function addedToSketches(
  { values }: Shape,
  numbers: readonly RawBuilder<unknown>[],
  bordersUs: Question['bordersUs'],
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
    ofRow: sql.join(
      numbers.map(
        (number) => sql`case when ${number} is not null then telemetry_sketch_key(${number}) end`,
      ),
    ),
    addRows: (rows) => sql`
      select "group", period, ${sql.join(sketches)}
      from (
        select "group", max(period) as period, what, key, count(*)::int as count
        from (${rows}) as raw ("group", period, ${sql.join(keys)})
          cross join lateral (values ${sql.join(each)}) as each (what, key)
        where key is not null
        group by ${sql.join([sql`"group"`, ...part(bordersUs), sql`what`, sql`key`])}
      ) as added`,
  };
}
