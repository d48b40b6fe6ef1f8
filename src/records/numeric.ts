import type { ByteWriter } from './byte-writer.ts';

/** PostgreSQL's numeric counts in groups of four decimal digits. */
const groupDigits = 4;

/**
 * Writes an amount, at least 0, as numeric. A number, which is finite: exactly the shortest decimal
 * that reads back as it, which is what whoever wrote 0.1 meant. A bigint: so many 10^-18.
 * Format: https://github.com/postgres/postgres/blob/master/src/backend/utils/adt/numeric.c (numeric_recv)
 */
export function fieldNumeric(writer: ByteWriter, value: number | bigint | undefined): void {
  if (value === undefined) {
    writer.fieldNull();
    return;
  }
  if (typeof value === 'bigint' && value < fewUnitsMax) {
    fewUnits(writer, value);
    return;
  }
  const { digits, exponent } = typeof value === 'bigint' ? digitsOf(value) : shortestDecimal(value);
  const scale = Math.max(0, digits.length - exponent);
  // Digits before the point are padded to whole groups on the left, those after it on the right.
  const lead =
    (((groupDigits - (exponent % groupDigits)) % groupDigits) + groupDigits) % groupDigits;
  const padded = '0'.repeat(lead) + digits;
  const groups = padded.match(/.{1,4}/g) ?? [];
  const count = digits === '' ? 0 : groups.length;
  writer.int32(8 + 2 * count);
  writer.int16(count);
  writer.int16(digits === '' ? 0 : (exponent + lead) / groupDigits - 1);
  writer.int16(0);
  writer.int16(scale);
  for (let index = 0; index < count; index++) {
    writer.int16(Number((groups[index] as string).padEnd(groupDigits, '0')));
  }
}

/** value = 0.digits × 10^exponent, without leading or trailing zeros in digits. */
function shortestDecimal(value: number): { digits: string; exponent: number } {
  if (value === 0) return { digits: '', exponent: 0 };
  const [mantissa, power] = value.toExponential().split('e') as [string, string];
  return { digits: mantissa.replace('.', ''), exponent: Number(power) + 1 };
}

const unitsOfOne = 10n ** 18n;
/** More is written by way of its digits. */
const fewUnitsMax = 10n ** 8n * unitsOfOne;

function digitsOf(units: bigint): { digits: string; exponent: number } {
  const digits = String(units);
  return { digits: digits.replace(/0+$/, ''), exponent: digits.length - 18 };
}

/** The same as by its digits, in less than half the time: two groups before the point, five after it. */
function fewUnits(writer: ByteWriter, units: bigint): void {
  const whole = Number(units / unitsOfOne);
  const upper = Number((units % unitsOfOne) / 1_000_000n);
  const lower = Number(units % 1_000_000n) * 100;
  const groups = [
    Math.trunc(whole / 1e4),
    whole % 1e4,
    Math.trunc(upper / 1e8),
    Math.trunc(upper / 1e4) % 1e4,
    upper % 1e4,
    Math.trunc(lower / 1e4),
    lower % 1e4,
  ];
  let first = 0;
  while (groups[first] === 0) first++;
  let last = groups.length - 1;
  while (groups[last] === 0) last--;
  const count = Math.max(0, last - first + 1);
  writer.int32(8 + 2 * count);
  writer.int16(count);
  writer.int16(count === 0 ? 0 : 1 - first);
  writer.int16(0);
  writer.int16(last < 2 ? 0 : groupDigits * (last - 1) - trailingZeros(groups[last] as number));
  for (let index = first; index <= last; index++) writer.int16(groups[index] as number);
}

function trailingZeros(group: number): number {
  if (group % 10 !== 0) return 0;
  if (group % 100 !== 0) return 1;
  return group % 1000 === 0 ? 3 : 2;
}
