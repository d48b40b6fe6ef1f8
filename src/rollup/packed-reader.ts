import { Aggregates } from './aggregates.ts';
import { decimalBytes, readDecimal } from './decimals.ts';
import { DecimalSums } from './exact-sums.ts';
import { packed, quarterOfMark } from './packed.ts';
import type { Shape } from './shapes.ts';
import { add } from './value-totals.ts';

type Sign = 1 | -1;

/** Adds packed records up by quarter hour and series. */
export class PackedReader {
  readonly totals: Aggregates;
  /** Whether the sum of each bit is a flag: then the bit is all that there is of it. */
  readonly #isFlag: readonly boolean[];

  /** `totals`: what it adds to. */
  constructor(shape: Shape, totals = new Aggregates(shape)) {
    this.totals = totals;
    this.#isFlag = shape.sums.map(({ type }) => type === 'flag');
  }

  add(data: Buffer): void {
    const { totals } = this;
    let quarter = 0;
    for (let at = 0; at + 4 <= data.length; ) {
      const word = data.readInt32BE(at);
      at += 4;
      if (word < 0) {
        quarter = quarterOfMark(word);
        continue;
      }
      const sign = (word & packed.isRemoved) === 0 ? 1 : -1;
      const place = totals.at(quarter, word & packed.seriesMask);
      add(totals.records, place, sign);
      if (sign < 0) add(totals.removed, place, 1);
      if ((word & packed.hasValue) !== 0) {
        totals.values[0]?.add(place, data.readDoubleBE(at), sign);
        at += 8;
      }
      if ((word & packed.hasMore) !== 0) at = this.#addMore(data, at, place, sign);
    }
  }

  /** Returns where they end. */
  #addMore(data: Buffer, start: number, place: number, sign: Sign): number {
    const { sums, values } = this.totals;
    let at = start + 4;
    let index = 0;
    for (let mask = data.readInt32BE(start); mask !== 0; mask >>>= 1, index++) {
      if ((mask & 1) === 0) continue;
      if (index >= sums.length) {
        values[index - sums.length + 1]?.add(place, data.readDoubleBE(at), sign);
        at += 8;
      } else at = this.#addSum(data, at, index, place, sign);
    }
    return at;
  }

  #addSum(data: Buffer, at: number, index: number, place: number, sign: Sign): number {
    const sum = this.totals.sums[index];
    if (sum instanceof DecimalSums) {
      sum.add(place, readDecimal(data, at), sign);
      return at + decimalBytes(data, at);
    }
    if (this.#isFlag[index]) {
      sum?.add(place, 0, 1, sign);
      return at;
    }
    sum?.add(place, data.readInt32BE(at), data.readUInt32BE(at + 4), sign);
    return at + 8;
  }
}
