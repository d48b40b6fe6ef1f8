import type { RawBuilder } from 'kysely';
import type { Aggregates } from './aggregates.ts';
import { decimalText } from './decimals.ts';
import type { KnownWaiting } from './known-waiting.ts';
import { asTable } from './read-aside.ts';
import { levelColumnTypes, type Shape } from './shapes.ts';
import { bytesOf, type Cells, noCells } from './sketch-cells.ts';
import type { Parts } from './spans.ts';
import { type Trx, timeOf } from './state.ts';
import type { ValueTotals } from './value-totals.ts';

/** What waits to be folded. */
export interface FreshParts {
  /** The begins of quarter hours from which something was taken away. */
  readonly removedMs: readonly number[];
  /** Those of the quarter hours in which there is something of a series. */
  quartersOf(series: number): number[];
  /** That which belongs to quarter hours that levels answer for, as a table like theirs. */
  asTable(parts: Parts, what: LevelColumns): RawBuilder<unknown>;
}

/** What is read of a level: totals, or sketches, in one piece or by their keys and counts. */
export type LevelColumns = 'totals' | 'cells' | 'keys and counts';

export async function readFresh(trx: Trx, shape: Shape, known: KnownWaiting): Promise<FreshParts> {
  const totals = await known.read(trx, shape);
  const places = Array.from({ length: totals.size }, (_, place) => place);
  const msOf = (place: number) => timeOf(totals.places.firsts[place] as number).getTime();
  return {
    removedMs: places.filter((place) => totals.isRemovedFrom(place)).map(msOf),
    quartersOf: (series) =>
      places.filter((place) => totals.places.seconds[place] === series).map(msOf),
    asTable: ({ levels }, what) => {
      const isAsked = (ms: number) => levels.some(({ fromMs, toMs }) => ms >= fromMs && ms < toMs);
      const columns =
        what === 'totals' ? totalsOf(shape, totals) : sketchesOf(shape, totals, what === 'cells');
      const records = places
        .filter((place) => isAsked(msOf(place)))
        .map((place) => ({
          bucket: timeOf(totals.places.firsts[place] as number),
          series: totals.places.seconds[place],
          ...columns(place),
        }));
      return asTable(JSON.stringify(records), levelColumnTypes(shape));
    },
  };
}

/** Of one place, as a level has it. */
type Columns = (place: number) => Readonly<Record<string, unknown>>;

const totalsOf =
  (shape: Shape, totals: Aggregates): Columns =>
  (place) => {
    const record: Record<string, unknown> = { [shape.count]: totals.records[place] };
    for (const [index, { prefix }] of shape.values.entries()) {
      const measures = totals.values[index]?.measuresAt(place) ?? {};
      for (const [name, number] of Object.entries(measures)) {
        record[prefix + name] = Number.isFinite(number) ? number : null;
      }
    }
    for (const [index, { name, nullable }] of shape.sums.entries()) {
      const sum = totals.sumAt(index, place);
      record[name] = sum ? decimalText(sum) : nullable ? null : 0;
    }
    return record;
  };

function sketchesOf(shape: Shape, totals: Aggregates, inOnePiece: boolean): Columns {
  const sketches = totals.values.map((value) => cellsAt(value, totals.size));
  return (place) => {
    const record: Record<string, unknown> = {};
    for (const [index, { prefix }] of shape.values.entries()) {
      const cells = sketches[index]?.[place] ?? noCells;
      if (inOnePiece) record[`${prefix}cells`] = `\\x${bytesOf(cells).toString('hex')}`;
      else {
        record[`${prefix}keys`] = cells.keys;
        record[`${prefix}counts`] = cells.counts;
      }
    }
    return record;
  };
}

/** For each place, the keys of a sketch and their counts. */
function cellsAt({ sketch, sketchCounts }: ValueTotals, size: number): Cells[] {
  const found = Array.from({ length: size }, () => ({
    keys: [] as number[],
    counts: [] as number[],
  }));
  for (let at = 0; at < sketch.size; at++) {
    const { keys, counts } = found[sketch.firsts[at] as number] as (typeof found)[number];
    keys.push(sketch.seconds[at] as number);
    counts.push(sketchCounts[at] as number);
  }
  return found;
}
