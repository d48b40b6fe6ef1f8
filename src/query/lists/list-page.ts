import type { MessageInitShape } from '@bufbuild/protobuf';
import type { AnswerSourceSchema } from '../../../gen/typescript/gravitas/telemetry/v1/answer_pb.js';
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
    const { pageToken, id } = request;
    const listing = { ...about, span, order, pageSize, pageToken, id };
    const page = await listRecords<Row>(snapshot.trx, listing);
    const answered = { kind: about.kind, source: 'rows', span, notes, sinceMs } as const;
    return { ...page, source: await answerSource(snapshot, answered) };
  });
}
