/** What a google.protobuf.Timestamp holds. */
export interface Instant {
  /** Since 1970. */
  readonly seconds: number;
  /** From 0 to 999,999,999, counted upwards also before 1970. */
  readonly nanos: number;
}

/** `9999-12-31T23:59:59` without fraction and zone. */
const localLength = 19;
const fractionDigitsMax = 9;
const secondsMin = -62_135_596_800; // 0001-01-01T00:00:00Z
const secondsMax = 253_402_300_799; // 9999-12-31T23:59:59Z
const nanosMax = 999_999_999;
const daysBeforeMonth = [0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334, 365];
const [zero, nine] = [...'09'].map((sign) => sign.charCodeAt(0)) as [number, number];

/**
 * Reads a time as RFC 3339 has it, with zone, written as ProtoJSON takes it: T and Z are capitals,
 * a fraction has one to nine digits, the year is from 1 to 9999. Undefined for anything else: for a
 * date that does not exist, the hour 24, and the second 60 too, because the clocks that telemetry
 * comes from have no leap seconds.
 * https://www.rfc-editor.org/rfc/rfc3339#section-5.6
 */
export function parseRfc3339(text: string): Instant | undefined {
  const year = 100 * twoDigits(text, 0) + twoDigits(text, 2);
  const month = twoDigits(text, 5);
  const day = twoDigits(text, 8);
  const time = clockSeconds(text, 11);
  const second = twoDigits(text, 17);
  const isTime =
    text[4] === '-' && text[7] === '-' && text[10] === 'T' && text[16] === ':' && second < 60;
  if (!isTime || !isDate(year, month, day)) return undefined;
  let at = localLength;
  let nanos = 0;
  if (text[at] === '.') {
    const start = at + 1;
    for (at = start; isDigit(text, at); at++) nanos = 10 * nanos + text.charCodeAt(at) - zero;
    const digits = at - start;
    if (digits === 0 || digits > fractionDigitsMax) return undefined;
    nanos *= 10 ** (fractionDigitsMax - digits);
  }
  const seconds = 86_400 * daysSince1970(year, month, day) + time + second - zone(text, at);
  // Whatever was no number has made it NaN.
  const instant = { seconds, nanos };
  return isInstant(instant) ? instant : undefined;
}

/** Whether it is one that there is, from the year 1 to 9999: protobuf's encoding holds others too. */
export function isInstant(time: { seconds: number | bigint; nanos: number }): boolean {
  const { seconds, nanos } = time;
  return seconds >= secondsMin && seconds <= secondsMax && nanos >= 0 && nanos <= nanosMax;
}

export const microseconds = ({ seconds, nanos }: Instant): number =>
  seconds * 1_000_000 + Math.floor(nanos / 1000);

/** Seconds that a zone at a position, which must be the last, is ahead of UTC; otherwise NaN. */
function zone(text: string, at: number): number {
  const sign = text[at];
  if (sign === 'Z' && text.length === at + 1) return 0;
  if ((sign !== '+' && sign !== '-') || text.length !== at + 6) return Number.NaN;
  return clockSeconds(text, at + 1) * (sign === '-' ? -1 : 1);
}

/** Of `hh:mm`; NaN where it is none. */
function clockSeconds(text: string, at: number): number {
  const hour = twoDigits(text, at);
  const minute = twoDigits(text, at + 3);
  const isClock = text[at + 2] === ':' && hour < 24 && minute < 60;
  return isClock ? 3600 * hour + 60 * minute : Number.NaN;
}

function twoDigits(text: string, at: number): number {
  if (!isDigit(text, at) || !isDigit(text, at + 1)) return Number.NaN;
  return 10 * (text.charCodeAt(at) - zero) + text.charCodeAt(at + 1) - zero;
}

function isDigit(text: string, at: number): boolean {
  const code = text.charCodeAt(at);
  return code >= zero && code <= nine;
}

const isLeap = (year: number) => year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0);

function isDate(year: number, month: number, day: number): boolean {
  if (!(month >= 1 && month <= 12 && year >= 0)) return false;
  const days = (daysBeforeMonth[month] as number) - (daysBeforeMonth[month - 1] as number);
  return day >= 1 && day <= (month === 2 && isLeap(year) ? 29 : days);
}

function daysSince1970(year: number, month: number, day: number): number {
  const before = year - 1;
  const leapDays = Math.floor(before / 4) - Math.floor(before / 100) + Math.floor(before / 400);
  const inYear = (daysBeforeMonth[month - 1] as number) + (month > 2 && isLeap(year) ? 1 : 0);
  return 365 * before + leapDays + inYear + day - 1 - daysTo1970;
}

/** From the first day of year 1. */
const daysTo1970 = 719_162;
