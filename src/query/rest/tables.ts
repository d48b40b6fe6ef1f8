import type { DescMessage } from '@bufbuild/protobuf';
import { StructSchema, TimestampSchema } from '@bufbuild/protobuf/wkt';
import {
  StatisticsSchema,
  UsageTotalsSchema,
} from '../../../gen/typescript/gravitas/telemetry/v1/answer_pb.js';
import { CollectorSchema } from '../../../gen/typescript/gravitas/telemetry/v1/collectors_pb.js';
import { DimensionValueSchema } from '../../../gen/typescript/gravitas/telemetry/v1/dimensions_pb.js';
import { PartitionSizeSchema } from '../../../gen/typescript/gravitas/telemetry/v1/footprint_pb.js';
import { UsageBreakdownSchema } from '../../../gen/typescript/gravitas/telemetry/v1/query_pb.js';
import type { Table } from './formats.ts';

// biome-ignore lint/suspicious/noExplicitAny: answers as `restJson` has made them
type Body = any;
type Row = Record<string, unknown>;

/** Names of the fields of a message that a cell can hold, those of messages in it with theirs before. */
function columnsOf({ fields }: DescMessage, prefix = ''): string[] {
  return fields.flatMap((field) => {
    if (field.fieldKind === 'list' || field.fieldKind === 'map') return [];
    const name = prefix + field.name;
    const whole =
      field.fieldKind !== 'message' ||
      [TimestampSchema.typeName, StructSchema.typeName].includes(field.message.typeName as never);
    return whole ? [name] : columnsOf(field.message as DescMessage, `${name}_`);
  });
}

/** The same of an answer in JSON. */
function flat(columns: readonly string[], value: Row, prefix = ''): Row {
  const row: Row = {};
  for (const [name, each] of Object.entries(value ?? {})) {
    const column = prefix + name;
    if (columns.includes(column)) row[column] = each;
    else if (each && typeof each === 'object' && !Array.isArray(each)) {
      Object.assign(row, flat(columns, each as Row, `${column}_`));
    }
  }
  return row;
}

const statistics = columnsOf(StatisticsSchema);
const totals = columnsOf(UsageTotalsSchema);
const times = ['start_time', 'end_time'];

const timesOf = ({ start_time, end_time }: Body): Row => ({ start_time, end_time });

/** Groups of a request, each name once. */
const table = (
  groups: readonly string[],
  names: readonly string[],
  rows: readonly Row[],
): Table => ({
  columns: [...groups, ...names],
  rows: rows.map((row) => ({
    ...Object.fromEntries([...groups, ...names].map((name) => [name, row[name] ?? null])),
  })),
});

/** One row for each group, or for all. */
export function statsTable(body: Body, groupBy: readonly string[]): Table {
  const groups = groupBy.length > 0 ? groupBy : ['component'];
  const rows: Row[] =
    groupBy.length > 0
      ? body.groups.map((each: Body) => ({ ...flat(statistics, each.statistics), ...each.group }))
      : body.components.map((each: Body) => ({
          component: each.component,
          count: each.measurement_count,
          mean: each.avg_efficiency_score,
          min: each.best_efficiency,
          max: each.worst_efficiency,
          tokens_generated: each.total_tokens,
        }));
  const names =
    groupBy.length > 0 ? statistics : ['count', 'mean', 'min', 'max', 'tokens_generated'];
  return table(groups, names, rows);
}

/** One row for each series and point. */
export function seriesTable(body: Body, groupBy: readonly string[]): Table {
  const rows = body.series.flatMap((series: Body) =>
    series.points.map((point: Body) => ({
      ...timesOf(point),
      ...flat(statistics, point.statistics),
      ...series.group,
    })),
  );
  return table(groupBy, [...times, ...statistics], rows);
}

/** One row for each group, and for each of its periods where there are any. */
export function usageTable(body: Body, groupBy: readonly string[]): Table {
  const names = groupBy.length > 0 ? groupBy : ['model', 'layer'];
  if (groupBy.length === 0 && body.width === '') {
    const columns = columnsOf(UsageBreakdownSchema).filter((name) => !names.includes(name));
    return table(names, columns, body.breakdown);
  }
  const groups = groupBy.length > 0 ? body.groups : [{ group: {}, periods: body.periods }];
  const ofGroup = ({ group, totals: all, periods }: Body): Row[] =>
    body.width === ''
      ? [{ ...flat(totals, all), ...group }]
      : periods.map((each: Body) => ({ ...timesOf(each), ...flat(totals, each.totals), ...group }));
  return table(groupBy, [...(body.width === '' ? [] : times), ...totals], groups.flatMap(ofGroup));
}

export const dimensionsTable = (body: Body): Table =>
  table(
    ['dimension'],
    columnsOf(DimensionValueSchema),
    body.dimensions.flatMap(({ name, values }: Body) =>
      values.map((value: Row) => ({ dimension: name, ...value })),
    ),
  );

/** One row for each model and day. */
export const trendsTable = (body: Body): Table =>
  table(
    ['component'],
    ['day', 'avg_efficiency', 'measurement_count', 'p50', 'p95', 'p99'],
    body.model_trends.flatMap(({ component, days }: Body) =>
      days.map((day: Row) => ({ component, ...day })),
    ),
  );

/** One row for each partition. */
export const footprintTable = (body: Body): Table =>
  table([], columnsOf(PartitionSizeSchema), body.partitions);

/** One row for each collector. */
export function serviceTable(body: Body): Table {
  const columns = columnsOf(CollectorSchema);
  return table(
    [],
    columns,
    body.collectors.map((each: Row) => flat(columns, each)),
  );
}

/** Records as they are, whose columns are those of the contract, and further ones. */
export const recordsTable = (
  schema: DescMessage,
  records: readonly Row[],
  further: Readonly<Record<string, readonly unknown[]>>,
): Table => ({
  columns: [...new Set([...columnsOf(schema), ...Object.keys(further)])],
  rows: records.map((record, index) => ({
    ...record,
    ...Object.fromEntries(Object.entries(further).map(([name, values]) => [name, values[index]])),
  })),
});
