import type { MessageInitShape } from '@bufbuild/protobuf';
import { sql } from 'kysely';
import {
  AnswerSource_Kind,
  type AnswerSourceSchema,
} from '../../../gen/typescript/gravitas/telemetry/v1/answer_pb.js';
import { type RecordKind, tables } from '../../records/tables.ts';
import { dayMs } from '../../units.ts';
import { hasShownTime } from '../row-values.ts';
import type { SourceKind } from '../totals/parts.ts';
import { sqlInstant, timestampOfUs, usOf, usOfMs } from './instants.ts';
import type { Notes } from './notes.ts';
import type { Snapshot } from './snapshot.ts';
import type { Span } from './time-range.ts';

export const sourceKinds: Readonly<Record<SourceKind, AnswerSource_Kind>> = {
  rows: AnswerSource_Kind.ROWS,
  rollups: AnswerSource_Kind.ROLLUPS,
  'rollups and rows': AnswerSource_Kind.ROLLUPS_AND_ROWS,
};

const seriesNote =
  'there are more combinations of dimensions than TELEMETRY_ROLLUP_SERIES_MAX: rows tell those of some records, as far back as there are rows';

export interface Answered {
  readonly kind: RecordKind;
  readonly source: SourceKind;
  readonly span: Span;
  readonly rounded?: Span | undefined;
  readonly hasRest?: boolean;
  readonly notes: Notes;
  /** The newest time of all records, where the answer has it. */
  readonly freshestUs?: number | undefined;
  /** When work on the answer began, as `performance.now` has it. */
  readonly sinceMs: number;
}

/** What an answer says of itself. */
export async function answerSource(
  snapshot: Snapshot,
  { kind, source, span, rounded, hasRest, notes, sinceMs, ...known }: Answered,
): Promise<MessageInitShape<typeof AnswerSourceSchema>> {
  if (hasRest) notes.add('group_by', seriesNote);
  const freshestUs = known.freshestUs ?? (await freshest(snapshot, kind));
  const { startUs, endUs } = rounded ?? span;
  return {
    kind: sourceKinds[source],
    asOf: timestampOfUs(snapshot.asOfUs),
    ...(freshestUs !== undefined && {
      freshestAt: timestampOfUs(freshestUs),
      ageMs: (snapshot.asOfUs - freshestUs) / usOfMs,
    }),
    ...(startUs !== undefined && { startTime: timestampOfUs(startUs) }),
    ...(endUs !== undefined && { endTime: timestampOfUs(endUs) }),
    rounded: rounded !== undefined,
    notes: notes.all.map((note) => ({ ...note })),
    durationMs: Math.round((performance.now() - sinceMs) * 10) / 10,
  };
}

/** The newest time of all records: mostly of the last day, whose partitions alone are looked at. */
async function freshest({ trx, asOfUs }: Snapshot, kind: RecordKind): Promise<number | undefined> {
  for (const sinceUs of [asOfUs - dayMs * usOfMs, undefined]) {
    const since = sinceUs === undefined ? hasShownTime : sql`"timestamp" >= ${sqlInstant(sinceUs)}`;
    const { rows } = await sql<{ at: number }>`
      select ${usOf(sql`"timestamp"`)} as at from ${sql.table(tables[kind].name)}
      where ${since} and "timestamp" <= ${sqlInstant(asOfUs)}
      order by "timestamp" desc limit 1`.execute(trx);
    if (rows[0]) return rows[0].at;
  }
  return undefined;
}
