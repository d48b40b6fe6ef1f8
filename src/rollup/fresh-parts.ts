import type { RawBuilder } from 'kysely';
import type { Aggregates } from './aggregates.ts';
import { decimalText } from './decimals.ts';
import { waiting } from './fold.ts';
import { asTable } from './read-aside.ts';
import { levelColumnTypes, type Shape } from './shapes.ts';
import type { Parts } from './spans.ts';
import { type Trx, timeOf } from './state.ts';

/** What waits to be folded. */
export interface FreshParts {
  /** The begins of quarter hours from which something was taken away. */
  readonly removedMs: readonly number[];
  /** Those of the quarter hours in which there is something of a series. */
  quartersOf(series: number): number[];
  /** That which belongs to quarter hours that levels answer for, as a table like theirs. */
  asTable(parts: Parts): RawBuilder<unknown>;
}

export async function readFresh(trx: Trx, shape: Shape): Promise<FreshParts> {
  const totals = await waiting(trx, shape);
  const places = Array.from({ length: totals.size }, (_, place) => place);
  const msOf = (place: number) => timeOf(totals.places.firsts[place] as number).getTime();
  return {
    removedMs: places.filter((place) => totals.isRemovedFrom(place)).map(msOf),
    quartersOf: (series) =>
      places.filter((place) => totals.places.seconds[place] === series).map(msOf),
    asTable: ({ levels }) => {
      const isAsked = (ms: number) => levels.some(({ fromMs, toMs }) => ms >= fromMs && ms < toMs);
      const cells = sketchesAt(totals);
      const records = places
        .filter((place) => isAsked(msOf(place)))
        .map((place) => levelRecord(shape, totals, cells, place));
      return asTable(JSON.stringify(records), levelColumnTypes(shape));
    },
  };
}

type Cells = readonly (readonly [keys: number[], counts: number[]])[];

/** For each value and place, the keys of a sketch and their counts. */
function sketchesAt({ values, size }: Aggregates): Cells[] {
  return values.map(({ sketch, sketchCounts }) => {
    const found = Array.from({ length: size }, (): [number[], number[]] => [[], []]);
    for (let at = 0; at < sketch.size; at++) {
      const [keys, counts] = found[sketch.firsts[at] as number] as [number[], number[]];
      keys.push(sketch.seconds[at] as number);
      counts.push(sketchCounts[at] as number);
    }
    return found;
  });
}

/** One place as a row of a level. */
function levelRecord(shape: Shape, totals: Aggregates, cells: readonly Cells[], place: number) {
  const { firsts, seconds } = totals.places;
  const record: Record<string, unknown> = {
    bucket: timeOf(firsts[place] as number),
    series: seconds[place],
    [shape.count]: totals.records[place],
  };
  for (const [index, { prefix }] of shape.values.entries()) {
    const measures = totals.values[index]?.measuresAt(place) ?? {};
    for (const [name, number] of Object.entries(measures)) {
      record[prefix + name] = Number.isFinite(number) ? number : null;
    }
    const [keys, counts] = cells[index]?.[place] ?? [];
    Object.assign(record, { [`${prefix}keys`]: keys, [`${prefix}counts`]: counts });
  }
  for (const [index, { name, nullable }] of shape.sums.entries()) {
    const sum = totals.sumAt(index, place);
    record[name] = sum ? decimalText(sum) : nullable ? null : 0;
  }
  return record;
}
