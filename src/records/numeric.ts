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
  const { digits, exponent } = typeof value === 'bigint' ? fixed(value) : shortestDecimal(value);
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

const places = 18;

function fixed(value: bigint): { digits: string; exponent: number } {
  const digits = String(value);
  return { digits: digits.replace(/0+$/, ''), exponent: digits.length - places };
}
