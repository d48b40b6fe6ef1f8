import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { create } from '@bufbuild/protobuf';
import { uuidv7 } from 'uuidv7';
import { expect, it } from 'vitest';
import { EventSchema } from '../../gen/typescript/gravitas/telemetry/v1/telemetry_pb.js';
import { encodeBatch } from '../../src/accept/encode-batch.ts';
import { encodeRecord } from '../../src/buffer/spool/record.ts';
import { dayMs, hourMs } from '../../src/units.ts';
import { startCollector } from '../support/collector.ts';
import { createCommitter } from '../support/committer.ts';
import { createDatabase } from '../support/database.ts';
import { uuidV7At } from '../support/ids.ts';
import { accountOf, imbalance } from '../support/metrics.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';

const atMs = Date.now() - 16 * dayMs;

/** A batch as it was taken 16 days ago. */
function oldBatch(values: readonly number[]) {
  const events = values.map((value) => create(EventSchema, { eventType: 'SLEPT', value }));
  const window = { ageMsMax: dayMs, aheadMsMax: hourMs };
  const options = { eventTime: window, batchIdTime: window };
  return encodeBatch({ batchId: uuidV7At(atMs), events, usage: [] }, options, 'batch_id', atMs);
}

it('stores a spool once that slept for longer than the ledger remembers (5.7)', async () => {
  const database = await createDatabase();
  const directory = temporaryDirectory();
  const [committed, unheard, neither] = [oldBatch([1, 2]), oldBatch([3]), oldBatch([4, 5, 6])];
  const groupId = uuidv7();
  // The COMMIT of two of them had succeeded, nobody heard of it, and all went to the spool.
  const { committer, end } = createCommitter(database, 'callers');
  await committer.commit({ id: groupId, batches: [committed, unheard] });
  await end();
  await database.rows('delete from batch_ledger');
  mkdirSync(join(directory.path, 'spool'), { recursive: true });
  const records = [committed, unheard, neither].map((batch) => encodeRecord(batch, groupId));
  writeFileSync(join(directory.path, 'spool/spool-0000000001.log'), Buffer.concat(records));

  const telemetry = await startCollector({ TELEMETRY_DATA_DIR: directory.path }, database);
  const account = () => accountOf(telemetry.baseUrl);
  await expect
    .poll(account, { timeout: 20_000 })
    .toMatchObject({ recovered: 6, duplicate: 3, stored: 3, pending: 0 });
  expect(imbalance(await account())).toBe(0);
  const values = 'select value from system_telemetry order by value';
  expect((await database.rows(values)).map(({ value }) => value)).toEqual([1, 2, 3, 4, 5, 6]);
  await telemetry.stop();
  await database.drop();
  directory.remove();
});
