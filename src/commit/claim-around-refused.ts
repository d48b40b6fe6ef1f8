import type { Transaction } from 'kysely';
import type { Batch, Group, Settlement } from '../buffer/batch.ts';
import type { Database } from '../database/schema.ts';
import { type Claims, claimBatches } from './ledger.ts';
import { tryData } from './savepoint.ts';

export interface DividedClaims extends Claims {
  /** Batches whose ids the ledger does not take, and why. */
  readonly refused: ReadonlyMap<Batch, string>;
}

/**
 * Claims the ids of a group of which PostgreSQL may refuse some: halves the group until those are
 * alone. In the order of the ids, as `claimBatches` does, and for the same reason.
 */
export async function claimAroundRefused(
  trx: Transaction<Database>,
  group: Group,
): Promise<DividedClaims> {
  const settled = new Map<Batch, Settlement>();
  const claimed = new Set<Batch>();
  const refused = new Map<Batch, string>();
  const claim = async (batches: readonly Batch[]): Promise<void> => {
    const tried = await tryData(trx, () => claimBatches(trx, { ...group, batches }));
    if ('value' in tried) {
      batches.forEach((batch, index) => {
        settled.set(batch, tried.value.settlements[index] as Settlement);
      });
      for (const batch of tried.value.claimed) claimed.add(batch);
      return;
    }
    const [only, second] = batches;
    if (only && !second) {
      refused.set(only, tried.reason);
      return;
    }
    const middle = Math.ceil(batches.length / 2);
    await claim(batches.slice(0, middle));
    await claim(batches.slice(middle));
  };
  await claim(group.batches.toSorted((a, b) => (a.id < b.id ? -1 : 1)));
  const settlements = group.batches.map(
    (batch): Settlement => settled.get(batch) ?? { kind: 'stored' },
  );
  return { settlements, claimed, refused };
}
