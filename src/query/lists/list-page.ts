import type { MessageInitShape } from '@bufbuild/protobuf';
import type { AnswerSourceSchema } from '../../../gen/typescript/gravitas/telemetry/v1/answer_pb.js';
import { readBySingleStatements } from '../../database/cluster/single-reads.ts';
import { Notes } from '../ask/notes.ts';
import type { Asker, Snapshots } from '../ask/snapshot.ts';
import { answerSource } from '../ask/source.ts';
import { type AskedRange, readRange } from '../ask/time-range.ts';
import { type ListedRow, type Listing, listRecords, type Page, readOrder } from './list-records.ts';

const pageSizeDefault = 100;
export const pageSizeMax = 1000;

/** What questions for lists have in common. */
interface PageRequest extends AskedRange {
  readonly pageSize: number;
  readonly pageToken: string;
  readonly order: string;
  readonly id: string;
}

interface SourcedPage<Row extends ListedRow> extends Page<Row> {
  readonly source: MessageInitShape<typeof AnswerSourceSchema>;
}

/** A page of the records that a question is about. */
export async function listPage<Row extends ListedRow>(
  snapshots: Snapshots,
  about: Pick<Listing, 'kind' | 'columns' | 'filter'>,
  request: PageRequest,
  asker: Asker,
): Promise<SourcedPage<Row>> {
  const sinceMs = performance.now();
  const notes = new Notes();
  const order = readOrder(request.order);
  const pageSize = notes.limit('page_size', request.pageSize, pageSizeDefault, pageSizeMax);
  return await snapshots.read(asker, async (snapshot) => {
    const span = readRange(request, snapshot.asOfUs, notes);
    // Parts of a page have no time in common.
    if (snapshot.hasCitus) await readBySingleStatements(snapshot.trx);
    const { pageToken, id } = request;
    const listing = { ...about, span, order, pageSize, pageToken, id };
    const page = await listRecords<Row>(snapshot.trx, listing);
    const freshestUs = newestUs(listing, page.rows, snapshot.asOfUs);
    const answered = {
      kind: about.kind,
      source: 'rows',
      span,
      notes,
      sinceMs,
      freshestUs,
    } as const;
    return { ...page, source: await answerSource(snapshot, answered) };
  });
}

/** The newest time of all records up to now, where it is one of a page; undefined where it may not be. */
function newestUs(
  { filter, span, order, pageToken, id }: Listing,
  rows: readonly ListedRow[],
  asOfUs: number,
): number | undefined {
  const isFirst = order === 'newest' && pageToken === '' && id === '';
  const isOfAll = filter.conditions.length === 0 && filter.ofRows.length === 0;
  if (!isFirst || !isOfAll || span.endUs !== undefined) return undefined;
  return rows.find(({ timestamp_us }) => timestamp_us <= asOfUs)?.timestamp_us;
}
