import type { ByteWriter } from '../records/byte-writer.ts';
import type { Decimal } from './exact-sums.ts';

/** PostgreSQL's numeric counts in groups of four decimal digits. */
const groupDigits = 4;
const groupRange = 10_000n;
const negative = 0x4000;
/** Before the groups: how many there are, what the first is worth, the sign, and the places shown. */
const headBytes = 8;

/** How long a finite numeric is as binary COPY has it. */
export const decimalBytes = (data: Buffer, at: number): number =>
  headBytes + 2 * data.readInt16BE(at);

/** https://github.com/postgres/postgres/blob/master/src/backend/utils/adt/numeric.c (numeric_send) */
export function readDecimal(data: Buffer, at: number): Decimal {
  const count = data.readInt16BE(at);
  const weight = data.readInt16BE(at + 2);
  let units = 0n;
  for (let group = 0; group < count; group++) {
    units = units * groupRange + BigInt(data.readInt16BE(at + headBytes + 2 * group));
  }
  if (data.readUInt16BE(at + 4) === negative) units = -units;
  const groupsAfterPoint = count - 1 - weight;
  if (groupsAfterPoint >= 0) return { units, scale: groupDigits * groupsAfterPoint };
  return { units: units * groupRange ** BigInt(-groupsAfterPoint), scale: 0 };
}

/** Writes a decimal as numeric, with as few places as it needs. */
export function fieldDecimal(writer: ByteWriter, { units, scale }: Decimal): void {
  const digits = String(units < 0n ? -units : units).padStart(scale + 1, '0');
  const whole = digits.slice(0, digits.length - scale);
  const fraction = digits.slice(digits.length - scale).replace(/0+$/, '');
  const before = whole.padStart(Math.ceil(whole.length / groupDigits) * groupDigits, '0');
  const after = fraction.padEnd(Math.ceil(fraction.length / groupDigits) * groupDigits, '0');
  const groups = units === 0n ? [] : ((before + after).match(/.{4}/g) as string[]);
  writer.int32(headBytes + 2 * groups.length);
  writer.int16(groups.length);
  writer.int16(units === 0n ? 0 : before.length / groupDigits - 1);
  writer.int16(units < 0n ? negative : 0);
  writer.int16(fraction.length);
  for (const group of groups) writer.int16(Number(group));
}

/** As PostgreSQL reads it. */
export function decimalText({ units, scale }: Decimal): string {
  const digits = String(units < 0n ? -units : units).padStart(scale + 1, '0');
  const text = `${digits.slice(0, digits.length - scale)}.${digits.slice(digits.length - scale)}`;
  return (units < 0n ? '-' : '') + text.replace(/\.?0*$/, '');
}

/** As PostgreSQL writes a finite one. */
export function parseDecimal(text: string): Decimal {
  const point = text.indexOf('.');
  if (point < 0) return { units: BigInt(text), scale: 0 };
  return { units: BigInt(text.replace('.', '')), scale: text.length - point - 1 };
}
