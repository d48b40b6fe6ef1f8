const point = 0x2e;
const letterE = 0x65;
const minus = 0x2d;
const plus = 0x2b;
/** Any exponent beyond it is as good as another. */
const powerMax = 1_000_000;
/** A number with so many digits before the point is finite as a double. */
const wholeDigitsFinite = 308;

/** What a number of JSON is like once it is written out, as jsonb does, which has no exponents. */
export class NumberShape {
  /** At most. */
  bytes = 0;
  /** Digits after the point. */
  decimals = 0;
  /** As a double; infinite where it is beyond them. */
  isFinite = true;

  /** Of a number between two positions, which is known to be one. */
  measure(text: Uint8Array, start: number, end: number): void {
    let whole = 0;
    let fraction = 0;
    let power = 0;
    let isFraction = false;
    for (let at = start; at < end; at++) {
      const byte = text[at] as number;
      if (byte === point) isFraction = true;
      else if ((byte | 0x20) === letterE) {
        power = readPower(text, at + 1, end);
        break;
      } else if (byte !== minus) {
        if (isFraction) fraction++;
        else whole++;
      }
    }
    const digits = whole + power;
    this.decimals = Math.max(0, fraction - power);
    this.bytes = Math.max(1, digits) + (this.decimals > 0 ? 1 + this.decimals : 0);
    this.isFinite = digits <= wholeDigitsFinite || Number.isFinite(toNumber(text, start, end));
  }
}

function readPower(text: Uint8Array, at: number, end: number): number {
  const sign = text[at];
  if (sign === minus || sign === plus) at++;
  let power = 0;
  for (; at < end; at++) power = Math.min(powerMax, 10 * power + (text[at] as number) - 0x30);
  return sign === minus ? -power : power;
}

const toNumber = (text: Uint8Array, start: number, end: number): number =>
  Number(Buffer.from(text.buffer, text.byteOffset + start, end - start).toString('latin1'));
