import { computed } from '@preact/signals';
import { change, param } from './address.ts';

const name = 'gravitas-telemetry-zone';

const isZone = (zone: string): boolean => {
  try {
    new Intl.DateTimeFormat('en', { timeZone: zone });
    return zone !== '';
  } catch {
    return false;
  }
};

/** The time zone of every time and every day on the page: of the address, chosen before, or ours. */
export const zone = computed((): string => {
  const asked = param('zone');
  if (isZone(asked)) return asked;
  const chosen = localStorage.getItem(name) ?? '';
  return isZone(chosen) ? chosen : ownZone;
});

const ownZone = Intl.DateTimeFormat().resolvedOptions().timeZone || 'UTC';

export function chooseZone(next: string): void {
  localStorage.setItem(name, next);
  change({ zone: next });
}

/** The usual ones first; all that the browser knows after them. */
export const zones = computed((): readonly string[] => {
  const first = [zone.value, ownZone, 'UTC'];
  return [...new Set([...first, ...Intl.supportedValuesOf('timeZone')])];
});

/** How far local time is ahead of UTC at an instant, in ms. */
export function offsetAt(ms: number, timeZone = zone.value): number {
  const part = Object.fromEntries(
    clockOf(timeZone)
      .formatToParts(ms)
      .map(({ type, value }) => [type, Number(value)]),
  ) as Record<string, number>;
  const { year = 0, month = 1, day = 1, hour = 0, minute = 0, second = 0 } = part;
  return Date.UTC(year, month - 1, day, hour, minute, second) - Math.floor(ms / 1000) * 1000;
}

const clocks = new Map<string, Intl.DateTimeFormat>();

function clockOf(timeZone: string): Intl.DateTimeFormat {
  const known = clocks.get(timeZone);
  if (known) return known;
  const clock = new Intl.DateTimeFormat('en', {
    timeZone,
    hourCycle: 'h23',
    ...{ year: 'numeric', month: 'numeric', day: 'numeric' },
    ...{ hour: 'numeric', minute: 'numeric', second: 'numeric' },
  } as Intl.DateTimeFormatOptions);
  clocks.set(timeZone, clock);
  return clock;
}

/** The instant at which a clock in the zone shows a time, given as if it were UTC. */
export function instantOf(local: number, timeZone = zone.value): number {
  const guess = local - offsetAt(local, timeZone);
  return local - offsetAt(guess, timeZone);
}

/** The midnight at or before an instant, so many days on. */
export function midnight(ms: number, days = 0): number {
  const local = new Date(ms + offsetAt(ms));
  return instantOf(
    Date.UTC(local.getUTCFullYear(), local.getUTCMonth(), local.getUTCDate() + days),
  );
}
