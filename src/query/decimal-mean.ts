/** Digits of a double that its decimal is sure of, as PostgreSQL takes them into numeric. */
const digits = 15;
const digitsMore = 25;

/**
 * A sum divided by a count, as PostgreSQL does it in decimals: the mean of 0.1, 0.2 and 0.3 is
 * 0.2. Null where there is nothing.
 */
export function decimalMean(sum: number, count: number): number | null {
  if (count === 0) return null;
  if (!Number.isFinite(sum)) return Math.sign(sum) * Number.MAX_VALUE;
  const [mantissa, exponent] = sum.toExponential(digits - 1).split('e') as [string, string];
  const scaled = BigInt(mantissa.replace('.', '')) * 10n ** BigInt(digitsMore);
  return Number(`${scaled / BigInt(count)}e${Number(exponent) - digits + 1 - digitsMore}`);
}
