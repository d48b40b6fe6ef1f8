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

/**
 * Adds records up, by rollups where they know all that is asked for, else by rows. By margins first,
 * which are few, and by single series where these don't know what is counted apart.
 */
export async function addUp(
  { trx, hasCitus }: Snapshot,
  question: Question,
  chosen: Chosen,
): Promise<SourcedTotals> {
  const onWorkers = hasCitus && (await isDistributed(trx, tables[question.kind].name));
  for (const bySeries of [false, true]) {
    const rolled = await rollupParts(trx, question, onWorkers, bySeries);
    const isRolled = typeof rolled !== 'string';
    const parts = isRolled ? rolled : await remainingRows(trx, question, onWorkers);
    const hasRest = isRolled ? parts.hasRest === true : rolled === 'the rest';
    const added = await readTotals(trx, question, narrowed(parts, question), chosen);
    if (added) return { ...added, source: parts.source, rounded: parts.rounded, hasRest };
  }
  throw new Error('neither series nor rows know what is counted apart');
}

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
  return { ...(onWorkers ? addedOnWorkers(question, parts) : parts), ...(rounded && { rounded }) };
}

function narrowed(parts: Parts, { groupsThat }: Question): Parts {
  if (!groupsThat) return parts;
  const only = (query: RawBuilder<unknown>) =>
    sql`select * from (${query}) as all_groups where ${groupsThat}`;
  const { whole: _, ...others } = parts;
  return { ...others, sums: only(parts.sums), cells: only(parts.cells) };
}
