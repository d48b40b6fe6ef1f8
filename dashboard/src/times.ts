import { zone } from './state/zone.ts';

/** Times as they are shown, all in the chosen zone. */
type Options = Intl.DateTimeFormatOptions;

const formats = new Map<string, Intl.DateTimeFormat>();

function shown(ms: number, name: string, options: Options): string {
  const key = `${name} ${zone.value}`;
  let format = formats.get(key);
  if (!format) {
    format = new Intl.DateTimeFormat('en-GB', { timeZone: zone.value, ...options });
    formats.set(key, format);
  }
  return format.format(ms);
}

const minutes: Options = { hour: '2-digit', minute: '2-digit', hourCycle: 'h23' };
const seconds: Options = { ...minutes, second: '2-digit' };

/** 14:32 */
export const clock = (ms: number): string => shown(ms, 'clock', minutes);
/** 14:32:08 */
export const clockSeconds = (ms: number): string => shown(ms, 'seconds', seconds);
/** 14:32:08.407 */
export const clockExact = (ms: number): string =>
  shown(ms, 'exact', { ...seconds, fractionalSecondDigits: 3 });
/** 25 Nov */
export const day = (ms: number): string => shown(ms, 'day', { day: 'numeric', month: 'short' });
/** 25 Nov, with the year where it is another one: of UTC in every zone, as partitions are. */
export function utcDay(ms: number): string {
  const isThisYear = new Date(ms).getUTCFullYear() === new Date().getUTCFullYear();
  const utc: Options = { day: 'numeric', month: 'short', timeZone: 'UTC' };
  return isThisYear ? shown(ms, 'utc', utc) : shown(ms, 'utc year', { ...utc, year: 'numeric' });
}
/** Wed 25 */
export const weekday = (ms: number): string =>
  `${shown(ms, 'weekday', { weekday: 'short' })} ${dayOfMonth(ms)}`;
/** 25 */
export const dayOfMonth = (ms: number): string => shown(ms, 'date', { day: 'numeric' });
/** November */
export const month = (ms: number): string => shown(ms, 'month', { month: 'long' });
/** 25 Nov 2026 */
export const date = (ms: number): string =>
  shown(ms, 'full', { day: 'numeric', month: 'short', year: 'numeric' });

/** 14:32:08, with the day where it is another one than today. */
export function moment(ms: number): string {
  return date(ms) === date(Date.now()) ? clockSeconds(ms) : `${day(ms)}, ${clockSeconds(ms)}`;
}

/** For titles and files, which say what the page shortens. */
export const iso = (ms: number): string => new Date(ms).toISOString();
