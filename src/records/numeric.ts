import type { ByteWriter } from './byte-writer.ts';

/** PostgreSQL's numeric counts in groups of four decimal digits. */
const groupDigits = 4;

/**
 * Writes a finite number, at least 0, as numeric: exactly the shortest decimal that reads back as
 * the number, which is what whoever wrote 0.1 meant.
 * Format: https://github.com/postgres/postgres/blob/master/src/backend/utils/adt/numeric.c (numeric_recv)
 */
export function fieldNumeric(writer: ByteWriter, value: number | undefined): void {
  if (value === undefined) {
    writer.fieldNull();
    return;
  }
  const { digits, exponent } = shortestDecimal(value);
  const scale = Math.max(0, digits.length - exponent);
  // Digits before the point are padded to whole groups on the left, those after it on the right.
  const lead =
    (((groupDigits - (exponent % groupDigits)) % groupDigits) + groupDigits) % groupDigits;
  const padded = '0'.repeat(lead) + digits;
  const groups = padded.match(/.{1,4}/g) ?? [];
  const count = value === 0 ? 0 : groups.length;
  writer.int32(8 + 2 * count);
  writer.int16(count);
  writer.int16(value === 0 ? 0 : (exponent + lead) / groupDigits - 1);
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
