import { isDistributed } from '../../database/cluster/layout.ts';
import { type RecordKind, tables } from '../../records/tables.ts';
import { readFloors } from '../../rollup/floors.ts';
import { once } from '../../rollup/once.ts';
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

/**
 * Adds records up, by rollups where they know all that is asked for, else by rows. By margins first,
 * which are few, and by single series where these don't know what is counted apart.
 */
export async function addUp(
  snapshot: Snapshot,
  question: Question,
  chosen: Chosen,
): Promise<SourcedTotals> {
  const { trx, hasCitus } = snapshot;
  const onWorkers = hasCitus && (await lieOnWorkers(trx, question.kind));
  for (const bySeries of [false, true]) {
    const rolled = await rollupParts(snapshot, question, onWorkers, bySeries);
    const isRolled = typeof rolled !== 'string';
    const parts = isRolled ? rolled : await remainingRows(trx, question, onWorkers);
    const hasRest = isRolled ? parts.hasRest === true : rolled === 'the rest';
    const added = await readTotals(trx, question, parts, chosen);
    if (added) return { ...added, source: parts.source, rounded: parts.rounded, hasRest };
  }
  throw new Error('neither series nor rows know what is counted apart');
}

const lieOnWorkers = (trx: Snapshot['trx'], kind: RecordKind): Promise<boolean> =>
  once(trx, `where a ${kind} lies`, () => isDistributed(trx, tables[kind].name));

/** Rows, from when on they are all there. */
async function remainingRows(
  trx: Snapshot['trx'],
  question: Question,
  onWorkers: boolean,
): Promise<Parts> {
  const { kind, span } = question;
  const floorUs = (await readFloors(trx)).rowsMs[kind] * usOfMs;
  const isWhole = (span.startUs ?? -Infinity) >= floorUs;
  const rounded = isWhole ? undefined : { ...span, startUs: floorUs };
  const parts = rowParts(rounded ? { ...question, span: rounded } : question);
  return {
    ...(onWorkers ? await addedOnWorkers(trx, question, parts) : parts),
    ...(rounded && { rounded }),
  };
}
