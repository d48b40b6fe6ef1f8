import { type CellsOrBytes, noCells } from '../../rollup/sketch-cells.ts';
import { sumOfSketches } from '../../rollup/sketch-sums.ts';
import { addSums, type Measured, type Sums } from './measures.ts';
import type { Placed } from './places-sql.ts';

/** What some records add up to. */
export interface Totals {
  readonly sums: Sums;
  /** Of each of the quantified numbers. */
  readonly cells: readonly CellsOrBytes[];
}

/** Adds totals of the same measures up. */
export function addTotals(measured: Measured, parts: readonly Totals[]): Totals {
  if (parts.length === 1) return parts[0] as Totals;
  const cells = measured.quantified.map((_, what) =>
    sumOfSketches(parts.map((part) => part.cells[what] ?? noCells)),
  );
  return {
    sums: addSums(
      measured.measures,
      parts.map(({ sums }) => sums),
    ),
    cells,
  };
}

/** Totals by place and part of the span, as queries answer. */
export class Places {
  readonly #measured: Measured;
  /** 0: they are not told apart. */
  readonly #buckets: number;
  readonly #found = new Map<number, Map<number, { sums: Sums; cells: readonly CellsOrBytes[] }>>();

  readonly #nothing: Totals;

  constructor(measured: Measured, buckets: number) {
    this.#measured = measured;
    this.#nothing = addTotals(measured, []);
    this.#buckets = buckets;
  }

  addSums(placed: Placed, sums: Sums): void {
    this.#at(placed).sums = sums;
  }

  /** `cells`: of each of the quantified numbers, all of a place and part at once. */
  addCells(placed: Placed, cells: readonly CellsOrBytes[]): void {
    this.#at(placed).cells = cells;
  }

  totalsOf(place: number): Totals {
    return addTotals(this.#measured, [...(this.#found.get(place)?.values() ?? [])]);
  }

  pointsOf(place: number): Totals[] {
    const found = this.#found.get(place);
    return Array.from(
      { length: this.#buckets },
      (_, bucket) => found?.get(bucket) ?? this.#nothing,
    );
  }

  get allPoints(): Totals[] {
    const places = [...this.#found.values()];
    return Array.from({ length: this.#buckets }, (_, bucket) => {
      const parts = places.map((each) => each.get(bucket)).filter((each) => each !== undefined);
      return addTotals(this.#measured, parts);
    });
  }

  #at({ place, bucket }: Placed) {
    const ofPlace = this.#found.get(place) ?? new Map();
    this.#found.set(place, ofPlace);
    const known = ofPlace.get(bucket) ?? { ...this.#nothing };
    ofPlace.set(bucket, known);
    return known;
  }
}
