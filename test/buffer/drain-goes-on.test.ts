import { Registry } from 'prom-client';
import { uuidv7 } from 'uuidv7';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import type { Committer } from '../../src/buffer/batch.ts';
import { Drain } from '../../src/buffer/drain.ts';
import { Outage } from '../../src/buffer/outage.ts';
import type { Spool } from '../../src/buffer/spool/spool.ts';
import { ServiceError } from '../../src/errors.ts';
import { Accounting } from '../../src/observe/accounting.ts';
import { Health } from '../../src/observe/health.ts';
import { eventBatch } from '../support/batches.ts';
import { silentLogger } from '../support/logger.ts';
import { openSpool } from '../support/spool.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';

/** Pauses that time does not end. */
const pauses = vi.hoisted(() => vi.fn());
vi.mock('../../src/pause.ts', () => ({
  pause: (_ms: number, signal: AbortSignal) => {
    pauses();
    return new Promise((resolve) => signal.addEventListener('abort', resolve));
  },
}));

let directory: ReturnType<typeof temporaryDirectory>;
let spool: Spool;
beforeEach(async () => {
  directory = temporaryDirectory();
  spool = await openSpool(directory.path);
});
afterEach(async () => {
  await spool.close();
  directory.remove();
});

it('goes on at once when others find that the database takes records (5.8)', async () => {
  const batches = [eventBatch(1), eventBatch(2)];
  await spool.append({ id: uuidv7(), batches });
  const away = () => Promise.reject(new ServiceError('retryable', 'away'));
  const health = new Health();
  const outage = new Outage(away, health);
  outage.begin(new Error('away'), batches);
  const stored: string[] = [];
  const committer: Committer = {
    commit: async (group) => {
      if (outage.isOn) return await away();
      stored.push(...group.batches.map(({ id }) => id));
      return group.batches.map(() => ({ kind: 'stored' }));
    },
    commitSuspects: away,
    probe: away,
    keep: away,
  };
  const accounting = new Accounting(new Registry());
  const limits = { groupRowsMax: 1000, groupBytesMax: 1024 * 1024 };
  const drain = new Drain(spool, committer, outage, limits, accounting, health, silentLogger);
  const drained = drain.finish();
  await vi.waitUntil(() => pauses.mock.calls.length === 2);
  outage.committed(batches);
  await drained;
  expect(stored).toEqual(batches.map(({ id }) => id));
});
