import type { Transaction } from 'kysely';
import type { Batch, Group, Settlement } from '../buffer/batch.ts';
import type { Database } from '../database/schema.ts';
import { aroundRefused } from './around-refused.ts';
import { type Claims, claimBatches, inOrder } from './ledger.ts';

export interface DividedClaims extends Claims {
  /** Batches whose ids the ledger does not take, and why. */
  readonly refused: ReadonlyMap<Batch, string>;
}

/** Claims the ids of a group of which PostgreSQL may refuse some. */
export async function claimAroundRefused(
  trx: Transaction<Database>,
  group: Group,
): Promise<DividedClaims> {
  const settled = new Map<Batch, Settlement>();
  const claimed = new Set<Batch>();
  const refused = await aroundRefused(trx, inOrder(group), async (batches) => {
    const claims = await claimBatches(trx, { ...group, batches });
    batches.forEach((batch, index) => {
      settled.set(batch, claims.settlements[index] as Settlement);
    });
    for (const batch of claims.claimed) claimed.add(batch);
  });
  const settlements = group.batches.map(
    (batch): Settlement => settled.get(batch) ?? { kind: 'stored' },
  );
  return { settlements, claimed, refused };
}
