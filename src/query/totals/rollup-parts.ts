import { type RawBuilder, sql } from 'kysely';
import type { RecordKind } from '../../records/tables.ts';
import { readFloors } from '../../rollup/floors.ts';
import { lacksMargin } from '../../rollup/later-margins.ts';
import { eachRow } from '../../rollup/parts-sql.ts';
import type { Question as RollupQuestion } from '../../rollup/question.ts';
import { findParts, type RollupsRead, type Unanswered } from '../../rollup/read.ts';
import { type Level, quarterMs, quartersIn, type Shape, shapes } from '../../rollup/shapes.ts';
import type { Trx } from '../../rollup/state.ts';
import { columnsOfRow, readColumns } from '../../rollup/totals.ts';
import type { Filter } from '../ask/filters.ts';
import { shownFromUs, usOfMs } from '../ask/instants.ts';
import type { Measure } from './measures.ts';
import { addedToLevels } from './on-workers.ts';
import { type Parts, type Question, wanted } from './parts.ts';
import { cellsOf, wholeOf } from './rollup-cells.ts';
import { asTable, groupColumns, type Table } from './rollup-table.ts';

export const shapeOf = (kind: RecordKind): Shape =>
  shapes.find((shape) => shape.kind === kind) as Shape;

/**
 * What rollups know of a question, or why rows have to be asked. `bySeries`: what margins may not
 * know, single series say, and rows where these are the rest, as far as there are any.
 */
export async function rollupParts(
  rollups: RollupsRead,
  question: Question,
  onWorkers: boolean,
  bySeries = false,
): Promise<Parts | Unanswered> {
  const { trx } = rollups;
  const rolled = toRollups(question);
  if (!rolled) return 'otherwise';
  const answering = await findParts(rollups, rolled);
  if (typeof answering === 'string') return answering;
  const isLacking = await lacksMargin(trx, rolled, answering.parts.levels);
  const asked = { ...rolled, bySeries: isLacking };
  const { span, isCoarse } = answering;
  const table = asTable(question, asked, answering);
  const series = { ...asked, bySeries };
  const found = bySeries ? await findParts(rollups, series) : answering;
  if (typeof found === 'string' && (await hasRows(trx, asked))) return found;
  const ofSeries = typeof found === 'string' ? answering : found;
  const sums = bySeries
    ? [
        await sumsOf(trx, question, table, onWorkers, butUnknown),
        await sumsOf(trx, question, asTable(question, series, ofSeries), onWorkers, onlyUnknown),
      ]
    : [await sumsOf(trx, question, table, onWorkers)];
  const isRounded =
    isCoarse ||
    span.toMs !== asked.toMs ||
    (question.span.startUs !== undefined && span.fromMs !== asked.fromMs);
  return {
    sums: sql.join(sums, sql` union all `),
    cells: cellsOf(trx, question, asked, answering, onWorkers),
    hasSketches: true,
    // Workers of a cluster are not asked for groups of which there is a list.
    ...(!onWorkers && { whole: (alone) => wholeOf(rollups, question, asked, answering, alone) }),
    source: ofSeries.parts.rows.length > 0 ? 'rollups and rows' : 'rollups',
    hasRest: ofSeries.hasRest || found === 'the rest',
    ...(isRounded && {
      rounded: {
        startUs: question.span.startUs === undefined ? undefined : span.fromMs * usOfMs,
        endUs: span.toMs === Infinity ? undefined : span.toMs * usOfMs,
      },
    }),
  };
}

/** Whether the rows of all that is asked for are there. */
async function hasRows(trx: Trx, { shape, fromMs }: RollupQuestion): Promise<boolean> {
  return fromMs >= (await readFloors(trx)).rowsMs[shape.kind];
}

/** The question as rollups understand it; undefined where they don't. */
function toRollups(question: Question): RollupQuestion | undefined {
  const { kind, span, filter, groupBy, bordersUs, rolledValue } = question;
  const shape = shapeOf(kind);
  const knows = (column: string | undefined) =>
    column !== undefined && shape.dimensions.includes(column);
  const coarsest = coarsestWithin(bordersUs?.slice(1, -1));
  if (!rolledValue || !coarsest || filter.ofRows.length > 0) return undefined;
  if (!groupBy.every(({ column }) => knows(column))) return undefined;
  if (!filter.conditions.every(({ column }) => knows(column))) return undefined;
  return {
    shape,
    where: whereOf(filter),
    fromMs: (span.startUs ?? shownFromUs) / usOfMs,
    toMs: span.endUs === undefined ? Infinity : span.endUs / usOfMs,
    by: groupBy.map(({ column }) => column as string),
    period: { coarsest, of: (time) => time },
  };
}

/** All that a filter names, as far as rollups know it. */
export const ofAllTimes = (shape: Shape, filter: Filter): RollupQuestion => ({
  ...{ shape, where: whereOf(filter), by: [] },
  ...{ fromMs: -Infinity, toMs: Infinity },
});

/** Where several conditions are on one column, values that meet all of them. */
function whereOf(filter: Filter): Record<string, (string | null)[]> {
  const where: Record<string, (string | null)[]> = {};
  for (const { column, values } of filter.conditions) {
    where[column] = where[column]?.filter((value) => values.includes(value)) ?? [...values];
  }
  return where;
}

/** The longest buckets that no border divides; undefined where there are none. */
function coarsestWithin(bordersUs: readonly number[] = []): Level | undefined {
  const divides = (level: Level) =>
    bordersUs.every((border) => border % (quartersIn[level] * quarterMs * usOfMs) === 0);
  return (['day', 'hour', 'quarter'] as const).find(divides);
}

type OfMeasure = (measure: Measure, column: RawBuilder<unknown>) => RawBuilder<unknown>;

/** Where series say what may be unknown, it is nothing of the margins, and the rest nothing of series. */
const butUnknown: OfMeasure = ({ mayBeUnknown }, column) => (mayBeUnknown ? sql`0` : column);
const onlyUnknown: OfMeasure = ({ mayBeUnknown }, column) =>
  mayBeUnknown ? sql`coalesce(${column}, 0)` : sql`null`;

async function sumsOf(
  trx: Trx,
  question: Question,
  table: Table,
  onWorkers: boolean,
  of: OfMeasure = (_, column) => column,
): Promise<RawBuilder<unknown>> {
  const { kind, measured, bordersUs } = question;
  const shape = shapeOf(kind);
  const ofRow = columnsOfRow(shape);
  const rows = onWorkers ? addedToLevels(trx, shape, ofRow, bordersUs) : eachRow(ofRow);
  const columns = measured.measures.map((measure) => {
    const column = measure.ofRollup ?? sql.ref(measure.name);
    return sql`${of(measure, column)} as ${sql.ref(measure.name)}`;
  });
  const sums = sql`
    select ${groupColumns(question)} bucket, ${sql.join(columns)}
    from ${await table({ what: 'totals', columns: readColumns(shape) }, rows)} as totals`;
  return wanted(question, sums);
}
