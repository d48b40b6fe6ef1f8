import { readdirSync } from 'node:fs';
import { join } from 'node:path';

/** Where a process has its spool: the first one where a collector of one process has it. */
export function spoolPlace(dataDirectory: string, number: number): string {
  const first = join(dataDirectory, 'spool');
  return number === 1 ? first : join(first, String(number));
}

/** All spools that there are of a collector, whose first one is given. */
export const everyPlace = (first: string): string[] => [first, ...furtherPlaces(first, 1)];

/** The spools in `first` of processes whose number is above `count`, in order. */
export function furtherPlaces(first: string, count: number): string[] {
  let names: string[] = [];
  try {
    names = readdirSync(first);
  } catch {
    // There is none yet, or what is wrong with it is told by whoever opens it.
  }
  return names
    .filter((name) => /^[1-9]\d*$/.test(name) && Number(name) > count)
    .toSorted((a, b) => Number(a) - Number(b))
    .map((name) => join(first, name));
}
