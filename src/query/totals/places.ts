import { addSketch } from '../../rollup/sketch-cells.ts';
import { addCells, type Cells } from './cells.ts';
import { addSums, type Measured, type Sums } from './measures.ts';
import type { Placed } from './places-sql.ts';

/** What some records add up to. */
export interface Totals {
  readonly sums: Sums;
  /** Of each of the quantified numbers. */
  readonly cells: readonly Cells[];
}

/** Adds totals of the same measures up. */
export function addTotals(measured: Measured, parts: readonly Totals[]): Totals {
  const cells = measured.quantified.map((): Cells => new Map());
  for (const part of parts) {
    for (const [what, each] of cells.entries()) addCells(each, part.cells[what] ?? new Map());
  }
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
  readonly #found = new Map<
    number,
    Map<number, { sums: Sums; readonly cells: readonly Cells[] }>
  >();

  constructor(measured: Measured, buckets: number) {
    this.#measured = measured;
    this.#buckets = buckets;
  }

  addSums(placed: Placed, sums: Sums): void {
    this.#at(placed).sums = sums;
  }

  /** `cells`: of each of the quantified numbers. */
  addCells(placed: Placed, cells: readonly (Buffer | null)[]): void {
    const known = this.#at(placed).cells;
    for (const [what, each] of cells.entries()) if (each) addSketch(known[what] as Cells, each);
  }

  totalsOf(place: number): Totals {
    return addTotals(this.#measured, [...(this.#found.get(place)?.values() ?? [])]);
  }

  pointsOf(place: number): Totals[] {
    const found = this.#found.get(place);
    const nothing = addTotals(this.#measured, []);
    return Array.from({ length: this.#buckets }, (_, bucket) => found?.get(bucket) ?? nothing);
  }

  get all(): Totals {
    return addTotals(
      this.#measured,
      [...this.#found.values()].flatMap((each) => [...each.values()]),
    );
  }

  get allPoints(): Totals[] {
    const places = [...this.#found.values()];
    return Array.from({ length: this.#buckets }, (_, bucket) => {
      const parts = places.map((each) => each.get(bucket)).filter((each) => each !== undefined);
      return parts.length === 1 ? (parts[0] as Totals) : addTotals(this.#measured, parts);
    });
  }

  #at({ place, bucket }: Placed) {
    const ofPlace = this.#found.get(place) ?? new Map();
    this.#found.set(place, ofPlace);
    const known = ofPlace.get(bucket) ?? addTotals(this.#measured, []);
    ofPlace.set(bucket, known);
    return known;
  }
}
