import { longer } from './pair-table.ts';
import { add } from './value-totals.ts';

/** units × 10^-scale. */
export interface Decimal {
  readonly units: bigint;
  readonly scale: number;
}

/** Sums without rounding, by place. */
interface ExactSums {
  /** Adds to one place what another has at one. */
  addPlace(to: number, other: this, from: number): void;
  /** Undefined where nothing was added. */
  at(place: number): Decimal | undefined;
}

/** A part of whole numbers is below it: two such parts of a sum are exact for long. */
const lowPart = 2 ** 26;
const lowPartsInWord = 2 ** 6;

/** Of whole numbers of 64 bits. */
export class WholeSums implements ExactSums {
  #high = new Float64Array(256);
  #low = new Float64Array(256);
  #given = new Float64Array(256);

  /** A number as its upper and lower 32 bits. */
  add(place: number, high: number, low: number, sign: 1 | -1): void {
    this.#makeRoom(place);
    add(this.#high, place, sign * (high * lowPartsInWord + Math.floor(low / lowPart)));
    add(this.#low, place, sign * (low % lowPart));
    add(this.#given, place, sign);
  }

  addPlace(to: number, other: this, from: number): void {
    if (from >= other.#given.length) return;
    this.#makeRoom(to);
    add(this.#high, to, other.#high[from] as number);
    add(this.#low, to, other.#low[from] as number);
    add(this.#given, to, other.#given[from] as number);
  }

  at(place: number): Decimal | undefined {
    const [high = 0, low = 0] = [this.#high[place], this.#low[place]];
    if (!this.#given[place] && high === 0 && low === 0) return undefined;
    return { units: BigInt(high) * BigInt(lowPart) + BigInt(low), scale: 0 };
  }

  #makeRoom(place: number): void {
    while (place >= this.#given.length) {
      this.#high = longer(this.#high);
      this.#low = longer(this.#low);
      this.#given = longer(this.#given);
    }
  }
}

/** Of decimals, whatever their number of places. */
export class DecimalSums implements ExactSums {
  readonly #sums: (Decimal | undefined)[] = [];

  add(place: number, value: Decimal, sign: 1 | -1): void {
    this.#add(place, sign > 0 ? value : { ...value, units: -value.units });
  }

  addPlace(to: number, other: this, from: number): void {
    const value = other.#sums[from];
    if (value) this.#add(to, value);
  }

  at(place: number): Decimal | undefined {
    return this.#sums[place];
  }

  #add(place: number, value: Decimal): void {
    const known = this.#sums[place];
    this.#sums[place] = known ? sumOf(known, value) : value;
  }
}

export function sumOf(a: Decimal, b: Decimal): Decimal {
  if (a.scale === b.scale) return { units: a.units + b.units, scale: a.scale };
  const scale = Math.max(a.scale, b.scale);
  return { units: unitsAt(a, scale) + unitsAt(b, scale), scale };
}

export const zero: Decimal = { units: 0n, scale: 0 };

export const isEqual = (a: Decimal, b: Decimal): boolean =>
  sumOf(a, { ...b, units: -b.units }).units === 0n;

const unitsAt = ({ units, scale }: Decimal, wanted: number): bigint =>
  units * 10n ** BigInt(wanted - scale);
