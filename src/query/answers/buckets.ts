import type { Notes } from '../ask/notes.ts';
import type { Snapshot } from '../ask/snapshot.ts';
import type { Range } from '../ask/time-range.ts';
import { type Buckets, isAutomatic, isRolled, readBuckets, rolledWidth } from '../ask/widths.ts';
import { countRolled } from '../totals/count-rolled.ts';
import type { Question } from '../totals/parts.ts';

/** Of all series together. */
const pointsMax = 40_000;

/** Parts of less than a quarter hour are read from rows: of more than these, who asked did not choose it. */
const rowsAtOnceMax = 500_000;

/** The parts of a range; one without end ends with the part that now is in. */
export async function bucketsOf(
  snapshot: Snapshot,
  { kind, filter }: Pick<Question, 'kind' | 'filter'>,
  width: string,
  { startUs = snapshot.asOfUs, endUs = snapshot.asOfUs + 1, zone }: Range,
  notes: Notes,
): Promise<Buckets> {
  const span = { startUs, endUs };
  const buckets = readBuckets(width, span, zone, notes);
  if (!isAutomatic(width) || isRolled(buckets.width)) return buckets;
  const records = await countRolled(snapshot.trx, kind, filter, span);
  if (records <= rowsAtOnceMax) return buckets;
  notes.add(
    'width',
    `is ${rolledWidth}: one below would read ${records.toLocaleString('en')} rows`,
  );
  return { ...readBuckets(rolledWidth, span, zone, notes), isWider: true };
}

/** So many groups that their points are not too many. */
export function limitedByPoints(limit: number, { bordersUs }: Buckets, notes: Notes): number {
  return notes.within('limit', limit, Math.max(1, Math.floor(pointsMax / (bordersUs.length - 1))));
}
