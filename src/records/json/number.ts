const minus = 0x2d;
const point = 0x2e;
const zero = 0x30;
const powersOfTen = Array.from({ length: 16 }, (_, power) => 10 ** power);
/** Numbers up to here are exact, and so are the powers of ten: one rounding gives the nearest double. */
const digitsMax = 15;

/** The double nearest to a number of JSON, known to be one; infinite where it is beyond them. */
export function readNumber(bytes: Buffer, at: number, end: number): number {
  const start = at;
  const isNegative = bytes[at] === minus;
  if (isNegative) at++;
  let digits = 0;
  let decimals = -1;
  for (let value = 0; digits <= digitsMax; at++) {
    if (at === end) {
      const power = powersOfTen[Math.max(decimals, 0)] as number;
      return isNegative ? -value / power : value / power;
    }
    const byte = bytes[at] as number;
    if (byte === point) {
      decimals = 0;
    } else if (byte >= zero) {
      // An exponent's letter is above the digits, its sign below.
      if (byte > zero + 9) break;
      value = 10 * value + byte - zero;
      digits++;
      if (decimals >= 0) decimals++;
    }
  }
  return Number(bytes.toString('latin1', start, end));
}
