import { expect, it } from 'vitest';
import { createKysely } from '../../src/database/kysely.ts';
import { ledgerBeginMs, noteLedgerBegin } from '../../src/database/ledger-span.ts';
import { move } from '../../src/database/move.ts';
import { createDatabase } from '../support/database.ts';
import { onCluster } from '../support/on-cluster.ts';

it.skipIf(onCluster)('a ledger that is moved knows no more ids than it did before', async () => {
  const [source, target] = [await createDatabase(), await createDatabase()];
  const [from, to] = await Promise.all([source.pool.connect(), target.pool.connect()]);
  const sourceDb = createKysely(source.pool);
  await sourceDb.transaction().execute(noteLedgerBegin);
  for await (const _ of move(from, to));
  from.release();
  to.release();
  const beginMs = await ledgerBeginMs(sourceDb);
  expect(beginMs).toBeGreaterThan(Date.now());
  expect(await ledgerBeginMs(createKysely(target.pool))).toBe(beginMs);
  await Promise.all([source.drop(), target.drop()]);
});
