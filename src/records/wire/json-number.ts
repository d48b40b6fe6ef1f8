const minus = 0x2d;
const point = 0x2e;
const zero = 0x30;
const powersOfTen = Array.from({ length: 16 }, (_, power) => 10 ** power);
/** Within both, a number and its decimals are less than 2^53 together. */
const shortMagnitudeMax = 1e9;
const shortDecimalsMax = 6;

/**
 * Writes a finite number as JSON.stringify does, without a string in between where its decimals
 * are few. Returns where it ends in `target`.
 */
export function putJsonNumber(value: number, target: Uint8Array, to: number): number {
  const magnitude = Math.abs(value);
  if (magnitude >= shortMagnitudeMax) return putString(value, target, to);
  // The shortest decimal that reads back as the number: any with one digit less does not.
  for (let decimals = 0; decimals <= shortDecimalsMax; decimals++) {
    const power = powersOfTen[decimals] as number;
    const scaled = Math.round(magnitude * power);
    if (scaled / power !== magnitude) continue;
    let at = to;
    if (value < 0) target[at++] = minus;
    return putDecimal(scaled, decimals, target, at);
  }
  return putString(value, target, to);
}

/** Writes `scaled` divided by ten to the power of `decimals`. */
function putDecimal(scaled: number, decimals: number, target: Uint8Array, to: number): number {
  let digits = decimals + 1;
  while (scaled >= (powersOfTen[digits] as number)) digits++;
  const end = to + digits + (decimals > 0 ? 1 : 0);
  let rest = scaled;
  for (let at = end - 1; at >= to; at--) {
    if (decimals > 0 && at === end - 1 - decimals) {
      target[at] = point;
      continue;
    }
    const quotient = Math.floor(rest / 10);
    target[at] = zero + rest - quotient * 10;
    rest = quotient;
  }
  return end;
}

function putString(value: number, target: Uint8Array, to: number): number {
  const digits = String(value);
  for (let index = 0; index < digits.length; index++) target[to + index] = digits.charCodeAt(index);
  return to + digits.length;
}
