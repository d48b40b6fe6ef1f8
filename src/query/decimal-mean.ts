/** Digits of a double that its decimal is sure of, as PostgreSQL takes them into numeric. */
const digits = 15;
const digitsMore = 25;
/** Whole numbers up to it are exact, and powers of ten up to the 22nd. */
const exactMax = 2 ** 53;
const powersOfTen = Array.from({ length: 23 }, (_, exponent) => Number(`1e${exponent}`));

/**
 * A sum divided by a count, as PostgreSQL does it in decimals: the mean of 0.1, 0.2 and 0.3 is
 * 0.2. Null where there is nothing.
 */
export function decimalMean(sum: number, count: number): number | null {
  if (count === 0) return null;
  if (!Number.isFinite(sum)) return Math.sign(sum) * Number.MAX_VALUE;
  const [mantissa, power] = sum.toExponential(digits - 1).split('e') as [string, string];
  const whole = mantissa.replace('.', '');
  const exponent = Number(power) - digits + 1;
  // Two whole numbers that are exact: their quotient is rounded once. There is one 0.
  const scaledCount = count * (powersOfTen[-exponent] ?? Infinity);
  if (scaledCount <= exactMax) return Number(whole) / scaledCount + 0;
  const scaled = BigInt(whole) * 10n ** BigInt(digitsMore);
  return Number(`${scaled / BigInt(count)}e${exponent - digitsMore}`);
}
