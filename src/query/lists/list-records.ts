import { type RawBuilder, sql, type Transaction } from 'kysely';
import { rowsOf } from '../../database/older-names.ts';
import type { Database } from '../../database/schema.ts';
import { ServiceError } from '../../errors.ts';
import type { RecordKind } from '../../records/tables.ts';
import { dayMs, hourMs } from '../../units.ts';
import { isUuid, isUuidV7, uuidV7TimeMs } from '../../uuid.ts';
import { type Filter, meets } from '../ask/filters.ts';
import { shownFromUs, shownToUs, sqlInstant, usOfMs } from '../ask/instants.ts';
import type { Span } from '../ask/time-range.ts';
import { within } from '../totals/row-parts.ts';
import { lastSeen } from './last-seen.ts';

const orders = ['newest', 'oldest'] as const;
export type Order = (typeof orders)[number];

/** What `order` asks for. */
export function readOrder(order: string): Order {
  const known = orders.find((each) => each === (order || 'newest'));
  if (known) return known;
  const reason = `order is ${JSON.stringify(order)}, neither newest nor oldest`;
  throw new ServiceError('invalid', reason, { field: 'order' });
}

/** What every row of a list has. */
export interface ListedRow {
  readonly id: string;
  /** Microseconds since 1970. */
  readonly timestamp_us: number;
}

export interface Page<Row extends ListedRow> {
  readonly rows: readonly Row[];
  /** Empty on the last page. */
  readonly nextPageToken: string;
}

export interface Listing {
  readonly kind: RecordKind;
  readonly columns: RawBuilder<unknown>;
  readonly filter: Filter;
  readonly span: Span;
  readonly order: Order;
  readonly pageSize: number;
  readonly pageToken: string;
  /** Only the record of this id; empty for all. */
  readonly id: string;
}

/**
 * Records by their time. The token of the next page is the place of the last record of this one:
 * what is stored meanwhile moves nothing, and is found where it belongs.
 */
export async function listRecords<Row extends ListedRow>(
  trx: Transaction<Database>,
  listing: Listing,
): Promise<Page<Row>> {
  const { kind, columns, filter, span, order, pageSize, id } = listing;
  const direction = order === 'newest' ? sql`desc` : sql`asc`;
  const find = async (further: RawBuilder<unknown>, limit = pageSize + 1, isSorted = false) => {
    // No index has that: what meets the filter is found by another one, and sorted.
    const time = isSorted ? sql`"timestamp" + interval '0'` : sql`"timestamp"`;
    const { rows } = await sql<Row>`
      select ${columns} from ${rowsOf(kind)} as record
      where ${within(span)} and ${meets(filter)} ${further}
      order by ${time} ${direction}, id ${direction}
      limit ${limit}`.execute(trx);
    return rows;
  };
  const found = id === '' ? await findPage(trx, listing, find) : await findById(id, find);
  const rows = found.slice(0, pageSize);
  const last = rows.at(-1);
  const more = found.length > pageSize && last;
  return { rows, nextPageToken: more ? tokenAfter(last, order) : '' };
}

type Find<Row> = (
  further: RawBuilder<unknown>,
  limit?: number,
  isSorted?: boolean,
) => Promise<Row[]>;

/** How long before the newest is looked through by itself. */
const windowsMs = [dayMs, 8 * dayMs];
/** The same where the newest are known to lie behind many others. */
const windowsBehindMs = [hourMs, 8 * dayMs];
/** To pass by so many others takes longer than to sort. */
const othersMax = 20_000;

/**
 * The newest are mostly of the last days, by which PostgreSQL leaves out all partitions but a few: to
 * make a plan for each of many, and to begin in each, takes it longer than to find a page.
 */
async function findPage<Row>(
  trx: Transaction<Database>,
  listing: Listing,
  find: Find<Row>,
): Promise<Row[]> {
  const { span, order, pageSize, pageToken } = listing;
  const place = pageToken === '' ? undefined : parseToken(pageToken, order);
  const after = place ? afterPlace(place, order) : sql``;
  if (order === 'oldest') return await find(after);
  const boundUs = Math.min(place?.timestampUs ?? span.endUs ?? Infinity, Date.now() * usOfMs);
  const { latestUs, windows, isSorted } = await wayTo(trx, listing, boundUs);
  const rows: Row[] = [];
  let before = sql``;
  let doneMs = 0;
  for (const ms of [...windows, Infinity]) {
    const isLast = ms === Infinity;
    // With as many a day as so far, that would not do either.
    if (doneMs > 0 && !isLast && rows.length * (ms / doneMs) <= pageSize) continue;
    doneMs = ms;
    const fromUs = latestUs - ms * usOfMs;
    const since = isLast ? sql`` : sql`and "timestamp" >= ${sqlInstant(fromUs)}`;
    const limit = pageSize + 1 - rows.length;
    rows.push(...(await find(sql`${after} ${before} ${since}`, limit, isSorted)));
    if (rows.length > pageSize || fromUs <= (span.startUs ?? -Infinity)) break;
    before = sql`and "timestamp" < ${sqlInstant(fromUs)}`;
  }
  return rows;
}

/** Where the newest are to be looked for first: what rollups have not seen, hardly in parts. */
async function wayTo(
  trx: Transaction<Database>,
  { kind, filter, pageToken }: Listing,
  boundUs: number,
) {
  const usual = { latestUs: boundUs, windows: windowsMs, isSorted: false };
  const seen = pageToken === '' ? await lastSeen(trx, kind, filter) : undefined;
  if (!seen) return usual;
  if (seen.untilUs === undefined) return { ...usual, windows: [] };
  const isBehind = seen.newer > othersMax && seen.untilUs < boundUs;
  return isBehind ? { latestUs: seen.untilUs, windows: windowsBehindMs, isSorted: true } : usual;
}

/** There is no index by id: most are found by the time inside of it, which is near to their own. */
async function findById<Row>(id: string, find: Find<Row>): Promise<Row[]> {
  if (!isUuid(id)) throw new ServiceError('invalid', 'id is not a UUID', { field: 'id' });
  const named = sql`and id = ${id}::uuid`;
  if (isUuidV7(id)) {
    const atUs = uuidV7TimeMs(id) * usOfMs;
    const nearUs = hourMs * usOfMs;
    const near = await find(sql`${named} and "timestamp" >= ${sqlInstant(atUs - nearUs)}
      and "timestamp" < ${sqlInstant(atUs + nearUs)}`);
    if (near.length > 0) return near;
  }
  return await find(named);
}

function afterPlace({ timestampUs, id }: Place, order: Order): RawBuilder<unknown> {
  const place = sqlInstant(timestampUs);
  // By the time alone, partitions are left out.
  return order === 'newest'
    ? sql`and "timestamp" <= ${place} and ("timestamp", id) < (${place}, ${id}::uuid)`
    : sql`and "timestamp" >= ${place} and ("timestamp", id) > (${place}, ${id}::uuid)`;
}

/** Of the page that begins behind a record. */
export const tokenAfter = ({ timestamp_us, id }: ListedRow, order: Order): string =>
  Buffer.from(`${timestamp_us}/${id}${order === 'newest' ? '' : `/${order}`}`).toString(
    'base64url',
  );

/** Of a record, in the order of its list. */
interface Place {
  readonly timestampUs: number;
  readonly id: string;
}

function parseToken(token: string, order: Order): Place {
  const parts = Buffer.from(token, 'base64url').toString().split('/');
  const [time = '', id = '', given = 'newest'] = parts;
  const timestampUs = Number(time);
  const isOne = /^-?\d+$/.test(time) && Number.isSafeInteger(timestampUs) && isUuid(id);
  if (!isOne || given !== order || parts.length > 3 || !isShown(timestampUs)) {
    throw new ServiceError('invalid', 'page_token is not one that was given out for this order', {
      field: 'page_token',
    });
  }
  return { timestampUs, id };
}

const isShown = (us: number): boolean => us >= shownFromUs && us < shownToUs;
