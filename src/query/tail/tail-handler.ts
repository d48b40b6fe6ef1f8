import type { HandlerContext } from '@connectrpc/connect';
import type { Kysely } from 'kysely';
import type {
  TailRequest,
  TailResponse,
} from '../../../gen/typescript/gravitas/telemetry/v1/tail_pb.js';
import type { Database } from '../../database/schema.ts';
import { ServiceError } from '../../errors.ts';
import { classifyDatabaseError, isDataFault } from '../../postgres/sqlstate.ts';
import { type RecordKind, recordKinds } from '../../records/tables.ts';
import { eventFilter, meets, usageFilter } from '../ask/filters.ts';
import type { Line } from '../ask/line.ts';
import { checkTexts } from '../checks.ts';
import { findRecent, type Wanted } from './followed-rows.ts';
import type { Subscription, TailHub } from './tail-hub.ts';
import { type Sized, TailReader } from './tail-reader.ts';
import { sizedRecord } from './tail-records.ts';

const recentMax = 1000;
const perSecondMax = 10_000;
const perSecondDefault = 500;

/**
 * The method Tail. `db`: for what is there already, for which one waits in `line`; `shutdown`: the
 * collector stops.
 */
export function tailHandler(db: Kysely<Database>, line: Line, hub: TailHub, shutdown: AbortSignal) {
  return async function* tail(
    request: TailRequest,
    { signal }: Pick<HandlerContext, 'signal'>,
  ): AsyncGenerator<TailResponse> {
    checkTexts(request);
    const wanted = wantedOf(request);
    const recent = inRange('recent', request.recent, recentMax);
    const perSecond =
      inRange('records_per_second_max', request.recordsPerSecondMax, perSecondMax) ||
      perSecondDefault;
    const subscription = { reader: new TailReader(perSecond), wanted };
    const { reader } = subscription;
    const stop = () => reader.end(new ServiceError('shuttingDown', 'the collector is stopping'));
    if (shutdown.aborted) stop();
    shutdown.addEventListener('abort', stop);
    if (recent > 0) reader.hold();
    try {
      await line.take(signal, () => tryFilters(db, wanted));
      const read = () => line.take(signal, () => readRecent(db, wanted, recent));
      begin(hub.join(subscription), subscription, recent > 0 ? read : undefined);
      yield* reader.responses(signal);
    } finally {
      shutdown.removeEventListener('abort', stop);
      hub.leave(subscription);
    }
  };
}

export type TailHandler = ReturnType<typeof tailHandler>;

function inRange(field: string, value: number, max: number): number {
  if (value >= 0 && value <= max) return value;
  throw new ServiceError('invalid', `${field} is ${value}; it must be from 0 to ${max}`, { field });
}

function wantedOf({ kinds, filter, usageFilter: usage }: TailRequest): Subscription['wanted'] {
  const wrong = kinds.find((kind) => !recordKinds.some((known) => known === kind));
  if (wrong !== undefined) {
    const reason = `kinds has ${JSON.stringify(wrong)}; it may have ${recordKinds.join(' and ')}`;
    throw new ServiceError('invalid', reason, { field: 'kinds' });
  }
  const isWanted = (kind: RecordKind) =>
    kinds.length === 0 ? kind === 'event' : kinds.includes(kind);
  const of = (kind: RecordKind): Wanted => ({
    kind,
    condition: meets(kind === 'event' ? eventFilter(filter, {}) : usageFilter(usage, {})),
  });
  return Object.fromEntries(recordKinds.filter(isWanted).map((kind) => [kind, of(kind)]));
}

/** One that PostgreSQL does not take would spoil the looks of all others. */
async function tryFilters(db: Kysely<Database>, wanted: Subscription['wanted']): Promise<void> {
  for (const each of Object.values(wanted)) {
    try {
      await findRecent(db, each, 0);
    } catch (error) {
      const told = classifyDatabaseError(error);
      if (!isDataFault(told)) throw told;
      throw new ServiceError('invalid', `filter: ${told.message}`, {
        field: 'filter',
        cause: error,
      });
    }
  }
}

/** What is there when the reader has its place; what comes meanwhile is told after it, once. */
async function begin(
  joined: Promise<void>,
  { reader }: Subscription,
  recent: (() => Promise<Sized[]>) | undefined,
): Promise<void> {
  try {
    await joined;
    if (recent) reader.release(await recent());
  } catch (error) {
    reader.end(classifyDatabaseError(error));
  }
}

async function readRecent(
  db: Kysely<Database>,
  wanted: Subscription['wanted'],
  recent: number,
): Promise<Sized[]> {
  const found = await db.transaction().execute(async (trx) => {
    const rows: { us: number; sized: Sized }[] = [];
    for (const each of Object.values(wanted)) {
      for (const row of await findRecent(trx, each, recent)) {
        rows.push({ us: row.timestamp_us, sized: sizedRecord(row) });
      }
    }
    return rows;
  });
  const inOrder = found.toSorted((a, b) => a.us - b.us).slice(-recent);
  return inOrder.map(({ sized }) => sized);
}
