import { type RawBuilder, sql } from 'kysely';
import { isDistributed } from '../../database/cluster/layout.ts';
import { tables } from '../../records/tables.ts';
import { readFloors } from '../../rollup/floors.ts';
import { usOfMs } from '../ask/instants.ts';
import type { Snapshot } from '../ask/snapshot.ts';
import type { Span } from '../ask/time-range.ts';
import { addedOnWorkers } from './on-workers.ts';
import type { Parts, Question, SourceKind } from './parts.ts';
import { type AddedUp, type Chosen, readTotals } from './read-totals.ts';
import { rollupParts } from './rollup-parts.ts';
import { rowParts } from './row-parts.ts';

export interface SourcedTotals extends AddedUp {
  readonly source: SourceKind;
  readonly rounded: Span | undefined;
  /** See `Parts`. */
  readonly hasRest: boolean;
}

/** Adds records up, by rollups where they know all that is asked for, else by rows. */
export async function addUp(
  { trx, hasCitus }: Snapshot,
  question: Question,
  chosen: Chosen,
): Promise<SourcedTotals> {
  const onWorkers = hasCitus && (await isDistributed(trx, tables[question.kind].name));
  const rolled = await rollupParts(trx, question, onWorkers);
  const isRolled = typeof rolled !== 'string';
  const ofRows = async () => {
    const parts = await remainingRows(trx, question);
    return onWorkers ? addedOnWorkers(question, parts) : parts;
  };
  const parts = isRolled ? rolled : await ofRows();
  const hasRest = isRolled ? parts.hasRest === true : rolled === 'the rest';
  const added = await readTotals(trx, question, narrowed(parts, question), chosen);
  return { ...added, source: parts.source, rounded: parts.rounded, hasRest };
}

/** Rows, from when on they are all there. */
async function remainingRows(trx: Snapshot['trx'], question: Question): Promise<Parts> {
  const { kind, span } = question;
  const floorUs = (await readFloors(trx)).rowsMs[kind] * usOfMs;
  if ((span.startUs ?? -Infinity) >= floorUs) return rowParts(question);
  const rounded = { ...span, startUs: floorUs };
  return { ...rowParts({ ...question, span: rounded }), rounded };
}

function narrowed({ sums, ranking, cells, ...parts }: Parts, { groupsThat }: Question): Parts {
  const ranked = (query: RawBuilder<unknown> | undefined) => query && { ranking: query };
  if (!groupsThat) return { sums, cells, ...ranked(ranking), ...parts };
  const only = (query: RawBuilder<unknown>) =>
    sql`select * from (${query}) as all_groups where ${groupsThat}`;
  return { ...parts, sums: only(sums), cells: only(cells), ...ranked(ranking && only(ranking)) };
}
