import type { Trx } from './state.ts';

const known = new WeakMap<Trx, Map<string, Promise<unknown>>>();

/** What is the same in all of a snapshot, whatever is asked of it: read when it is asked first. */
export async function once<T>(trx: Trx, name: string, read: () => Promise<T>): Promise<T> {
  const ofSnapshot = known.get(trx) ?? new Map<string, Promise<unknown>>();
  known.set(trx, ofSnapshot);
  const found = ofSnapshot.get(name) ?? read();
  ofSnapshot.set(name, found);
  return (await found) as T;
}
