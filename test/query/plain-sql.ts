import { expect } from 'vitest';

/** Questions in plain SQL on the rows, as one would ask them without the collector. */

/** What a filter's list means: any of these, and an empty text for none. */
export function anyOf(column: string, values: readonly string[] | undefined): string {
  if (!values?.length) return 'true';
  const texts = values.map((each) => `'${each}'`).join(', ');
  return `coalesce(${column}, '') in (${texts})`;
}

const partsOfTime = {
  '15m': () => `date_bin('15 minutes', "timestamp", '2000-01-01 UTC')`,
  '1h': (zone) =>
    // An hour that is shown twice is two; half an hour that is belongs to the hour that it is in.
    zone === 'Australia/Lord_Howe'
      ? shown(zone, `date_trunc('hour', ${local(zone)})`)
      : `date_trunc('hour', "timestamp", '${zone}')`,
  '6h': (zone) => shown(zone, `date_bin('6 hours', ${local(zone)}, '2000-01-01')`),
  '12h': (zone) => shown(zone, `date_bin('12 hours', ${local(zone)}, '2000-01-01')`),
  '1d': (zone) => `date_trunc('day', "timestamp", '${zone}')`,
  '3d': (zone) => shown(zone, `date_bin('3 days', ${local(zone)}, '1973-01-01')`),
  '1w': (zone) => `date_trunc('week', "timestamp", '${zone}')`,
  '2w': (zone) => shown(zone, `date_bin('14 days', ${local(zone)}, '1973-01-01')`),
  '1mo': (zone) => `date_trunc('month', "timestamp", '${zone}')`,
  '1q': (zone) => `date_trunc('quarter', "timestamp", '${zone}')`,
  '1y': (zone) => `date_trunc('year', "timestamp", '${zone}')`,
} as const satisfies Record<string, (zone: string) => string>;
type Width = keyof typeof partsOfTime;
export const widths = Object.keys(partsOfTime) as Width[];

/** The part of the range that a row is in: a time, or what a clock of the zone shows then. */
export const partOfTime = (width: Width, zone: string): string => partsOfTime[width](zone);

const local = (zone: string) => `("timestamp" at time zone '${zone}')`;
const shown = (zone: string, time: string) => `(${time}) at time zone '${zone}'`;

export const zones = [
  'UTC',
  'Europe/Berlin',
  'Asia/Kathmandu',
  'America/New_York',
  'Australia/Lord_Howe',
  'Asia/Kolkata',
  'America/St_Johns',
  'Pacific/Auckland',
];

/** The last changes of the clock before now, of zones that have some. */
export function clockChanges(): Date[] {
  const dayMs = 86_400_000;
  return ['Europe/Berlin', 'America/New_York', 'Australia/Lord_Howe'].flatMap((timeZone) => {
    const format = new Intl.DateTimeFormat('en', { timeZone, timeZoneName: 'longOffset' });
    const offset = (ms: number) =>
      format.formatToParts(ms).find(({ type }) => type === 'timeZoneName')?.value;
    const days = Array.from({ length: 370 }, (_, back) => Date.now() - (back + 1) * dayMs);
    return days.filter((ms) => offset(ms) !== offset(ms + dayMs)).map((ms) => new Date(ms));
  });
}

/** The numbers of a sketch are within 1 % of those between which the quantile lies. */
// biome-ignore lint/suspicious/noExplicitAny: answers of every shape
export function expectQuantiles(found: any, numbers: readonly number[]): void {
  for (const [name, share] of [
    ['p50', 0.5],
    ['p95', 0.95],
    ['p99', 0.99],
  ] as const) {
    const exact = numbers[Math.floor(share * (numbers.length - 1))];
    if (exact === undefined) expect(found[name]).toBeNull();
    else expect(Math.abs(found[name] - exact)).toBeLessThanOrEqual(Math.abs(exact) * 0.01 + 1e-9);
  }
}

export const sumOf = (numbers: readonly number[]): number =>
  numbers.reduce((total, each) => total + each, 0);

export const ascending = (a: number, b: number): number => a - b;
