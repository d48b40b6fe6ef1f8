/** Amounts are whole numbers of 10^-18 US dollars: sums and products of them are exact. */
export const dollarDecimals = 18;

const shape = /^(\d+)(?:\.(\d+))?(?:e([+-]?\d+))?$/i;

/**
 * A decimal as a whole number of 10^-places; undefined for what is no such number, or has more
 * places. A number stands for its shortest decimal, which is what whoever wrote 0.1 meant.
 */
export function parseDecimal(value: number | string, places: number): bigint | undefined {
  const match = shape.exec(String(value).trim());
  if (!match) return undefined;
  const [, whole = '', fraction = '', exponent = '0'] = match;
  const shift = places - fraction.length + Number(exponent);
  if (Math.abs(shift) > 100) return undefined;
  const digits = BigInt(whole + fraction);
  if (shift >= 0) return digits * 10n ** BigInt(shift);
  const divisor = 10n ** BigInt(-shift);
  return digits % divisor === 0n ? digits / divisor : undefined;
}

/** The shortest decimal of a whole number, at least 0, of 10^-places. */
export function decimalText(value: bigint, places = dollarDecimals): string {
  const digits = String(value).padStart(places + 1, '0');
  const fraction = digits.slice(-places).replace(/0+$/, '');
  const whole = digits.slice(0, -places);
  return fraction === '' ? whole : `${whole}.${fraction}`;
}

/** Rounded half up. */
export const divide = (dividend: bigint, divisor: bigint): bigint =>
  (2n * dividend + divisor) / (2n * divisor);
