import { create } from '@bufbuild/protobuf';
import { type Kysely, type Selectable, sql } from 'kysely';
import {
  type ExplainUsageResponse,
  ExplainUsageResponseSchema,
} from '../../gen/typescript/gravitas/telemetry/v1/query_pb.js';
import { rowsOf } from '../database/older-names.ts';
import type { Database } from '../database/schema.ts';
import { ServiceError } from '../errors.ts';
import { decimalText } from '../prices/decimal.ts';
import { inWords } from '../prices/in-words.ts';
import type { Pricer } from '../prices/pricer.ts';
import { type CostRow, costColumns, storedCall } from '../prices/stored.ts';
import { hourMs } from '../units.ts';
import { isUuid, isUuidV7, uuidV7TimeMs } from '../uuid.ts';
import { timestampOfUs, usOf } from './ask/instants.ts';
import { editions, present } from './messages.ts';

type UsageRow = CostRow & {
  readonly time_us: number;
  readonly cost: string | null;
  readonly source: string | null;
  readonly rule: string | null;
};

/** Whichever name a value was written by. */
const stored = sql<Selectable<Database['usage_stats']>>`${rowsOf('usage')}`.as('stored');

/** How far the time of a record is from that in its id, mostly. */
const nearMs = hourMs;

/**
 * Which rule counted a usage record, and how its cost comes about. `aroundMs`: when it was, so that
 * nothing else is looked through. Throws `ServiceError`.
 */
export async function explainUsage(
  db: Kysely<Database>,
  pricer: Pricer,
  id: string,
  aroundMs?: number,
): Promise<ExplainUsageResponse> {
  if (!isUuid(id)) throw new ServiceError('invalid', 'id is not a UUID', { field: 'id' });
  const row = await search(db, id, aroundMs);
  if (!row) {
    const when =
      aroundMs === undefined ? '' : ` within an hour of ${new Date(aroundMs).toISOString()}`;
    throw new ServiceError('notFound', `there is no usage record ${id}${when}`, { field: 'id' });
  }
  const call = storedCall(row);
  const priced = pricer.price(call);
  return create(ExplainUsageResponseSchema, {
    id: id.toLowerCase(),
    timestamp: timestampOfUs(row.time_us),
    model: call.model,
    provider: call.provider,
    ...present('costUsd', row.cost),
    ...present('costSource', row.source),
    ...present('usageRule', row.rule),
    ...(typeof priced === 'string'
      ? { unpricedReason: priced }
      : { currentCostUsd: decimalText(priced.cost), currentCostSource: priced.source }),
    explanation: inWords(pricer, call, row),
    ...editions(pricer),
  });
}

/** There is no index by id: most are found by the time inside of it. */
async function search(db: Kysely<Database>, id: string, aroundMs?: number) {
  if (aroundMs !== undefined) return await find(db, id, aroundMs);
  const near = isUuidV7(id) ? await find(db, id, uuidV7TimeMs(id)) : undefined;
  return near ?? (await find(db, id));
}

async function find(
  db: Kysely<Database>,
  id: string,
  timeMs?: number,
): Promise<UsageRow | undefined> {
  let query = db
    .selectFrom(stored)
    .select(costColumns)
    .select([
      sql<number>`(extract(epoch from "timestamp") * 1000)::float8`.as('time_ms'),
      usOf(sql`"timestamp"`).as('time_us'),
      sql<string | null>`cost_usd::text`.as('cost'),
      'cost_source as source',
      'usage_rule as rule',
    ])
    .where('id', '=', id)
    .where(sql<boolean>`isfinite("timestamp")`)
    .orderBy('timestamp', 'desc')
    .limit(1);
  if (timeMs !== undefined) {
    query = query
      .where('timestamp', '>=', new Date(timeMs - nearMs))
      .where('timestamp', '<', new Date(timeMs + nearMs));
  }
  return await query.executeTakeFirst();
}
