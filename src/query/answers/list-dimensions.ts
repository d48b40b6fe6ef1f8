import { create, type MessageInitShape } from '@bufbuild/protobuf';
import { sql } from 'kysely';
import type { AnswerSourceSchema } from '../../../gen/typescript/gravitas/telemetry/v1/answer_pb.js';
import {
  type DimensionSchema,
  type ListDimensionsRequest,
  type ListDimensionsResponse,
  ListDimensionsResponseSchema,
} from '../../../gen/typescript/gravitas/telemetry/v1/dimensions_pb.js';
import { ServiceError } from '../../errors.ts';
import type { RecordKind } from '../../records/tables.ts';
import { dimensionNames, readGroupBy } from '../ask/dimensions.ts';
import { eventFilter, type Filter, meets, usageFilter } from '../ask/filters.ts';
import { timestampOfUs } from '../ask/instants.ts';
import { Notes } from '../ask/notes.ts';
import type { Asker, Snapshot, Snapshots } from '../ask/snapshot.ts';
import { answerSource } from '../ask/source.ts';
import { type Range, readRange } from '../ask/time-range.ts';
import { present } from '../messages.ts';
import { addUp, type SourcedTotals } from '../totals/add-up.ts';
import { shapeOf } from '../totals/rollup-parts.ts';
import { within } from '../totals/row-parts.ts';
import { seenMeasures } from '../totals/seen-measures.ts';

const hoursDefault = 7 * 24;
const [valuesDefault, valuesMax] = [100, 1000];
const usual = ['component', 'event_type', 'status', 'model', 'layer', 'provider'];
/** Both kinds have a status. */
const usageStatus = 'usage_status';
const metadataNames = 'metadata';
const eventsLookedAt = 1000;

interface Asked {
  readonly name: string;
  readonly kind: RecordKind;
  /** As the kind calls it. */
  readonly dimension: string;
}

function readDimensions(names: readonly string[]): Asked[] {
  const known: Asked[] = [
    ...[...dimensionNames('event'), metadataNames].map(
      (name) => ({ name, kind: 'event', dimension: name }) as const,
    ),
    ...dimensionNames('usage').map((dimension) => {
      const name = dimension === 'status' ? usageStatus : dimension;
      return { name, kind: 'usage', dimension } as const;
    }),
  ];
  return (names.length > 0 ? names : usual).map((name) => {
    const found = known.find((each) => each.name === name);
    if (found) return found;
    const all = known.map((each) => each.name).join(', ');
    const reason = `dimensions has ${JSON.stringify(name)}, none of ${all}`;
    throw new ServiceError('invalid', reason, { field: 'dimensions' });
  });
}

type Source = MessageInitShape<typeof AnswerSourceSchema>;

export async function listDimensions(
  snapshots: Snapshots,
  request: ListDimensionsRequest,
  asker: Asker,
): Promise<ListDimensionsResponse> {
  const sinceMs = performance.now();
  const notes = new Notes();
  const asked = readDimensions([...new Set(request.dimensions)]);
  const filters = {
    event: eventFilter(request.filter, {}),
    usage: usageFilter(request.usageFilter, {}),
  };
  const limit = notes.limit('limit', request.limit, valuesDefault, valuesMax);
  return await snapshots.read(asker, async (snapshot) => {
    const range = readRange(request, snapshot.asOfUs, notes, hoursDefault);
    const sources: Partial<Record<RecordKind, Source>> = {};
    const dimensions: MessageInitShape<typeof DimensionSchema>[] = [];
    for (const { name, kind, dimension } of asked) {
      const filter = filters[kind];
      if (name === metadataNames) {
        dimensions.push(await namesInMetadata(snapshot, filter, range, request.prefix, limit));
        continue;
      }
      const found = await valuesOf(snapshot, {
        kind,
        dimension,
        filter,
        range,
        prefix: request.prefix,
        limit,
      });
      dimensions.push(dimensionMessage(name, found));
      const answered = { kind, ...found, span: range, notes, sinceMs };
      sources[kind] ??= await answerSource(snapshot, answered);
    }
    if (asked.some(({ name }) => name === metadataNames)) {
      const answered = { kind: 'event', source: 'rows', span: range, notes, sinceMs } as const;
      sources.event ??= await answerSource(snapshot, answered);
    }
    return create(ListDimensionsResponseSchema, {
      dimensions,
      ...(sources.event && { source: sources.event }),
      ...(sources.usage && { usageSource: sources.usage }),
    });
  });
}

interface Values {
  readonly kind: RecordKind;
  readonly dimension: string;
  readonly filter: Filter;
  readonly range: Range;
  readonly prefix: string;
  readonly limit: number;
}

async function valuesOf(
  snapshot: Snapshot,
  { kind, dimension, filter, range, prefix, limit }: Values,
): Promise<SourcedTotals> {
  const groupBy = readGroupBy(kind, [dimension]);
  const question = {
    kind,
    span: range,
    filter,
    groupBy,
    ...(prefix !== '' && { groupsThat: sql<boolean>`starts_with(g0, ${prefix})` }),
    bordersUs: undefined,
    measured: seenMeasures(shapeOf(kind).count),
    rolledValue: true,
    quantiles: false,
  };
  return await addUp(snapshot, question, { by: sql`sum(records)`, limit });
}

const dimensionMessage = (
  name: string,
  { groups, restGroups }: SourcedTotals,
): MessageInitShape<typeof DimensionSchema> => ({
  name,
  values: groups.map(({ group, totals: { sums } }) => ({
    ...present('value', group[0] ?? null),
    count: BigInt(sums.records ?? 0),
    ...(sums.last_us && { lastSeenAt: timestampOfUs(sums.last_us) }),
  })),
  rest: restGroups,
});

/** Names that the metadata of the newest events have. */
async function namesInMetadata(
  { trx }: Snapshot,
  filter: Filter,
  range: Range,
  prefix: string,
  limit: number,
): Promise<MessageInitShape<typeof DimensionSchema>> {
  const { rows } = await sql<{ name: string; count: number; found: number }>`
    select name, count(*) as count, count(*) over () as found
    from (
      select metadata from system_telemetry where ${within(range)} and ${meets(filter)}
      order by "timestamp" desc limit ${eventsLookedAt}
    ) as newest,
      jsonb_object_keys(case when jsonb_typeof(metadata) = 'object' then metadata end) as name
    where starts_with(name, ${prefix})
    group by name order by count(*) desc, name collate "C" limit ${limit}`.execute(trx);
  return {
    name: metadataNames,
    values: rows.map(({ name, count }) => ({ value: name, count: BigInt(count) })),
    rest: (rows[0]?.found ?? 0) - rows.length,
  };
}
