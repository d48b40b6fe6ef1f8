import { readdirSync } from 'node:fs';
import { Registry } from 'prom-client';
import { uuidv7 } from 'uuidv7';
import { afterEach, beforeEach, expect, it } from 'vitest';
import type { Batch, Committer } from '../../src/buffer/batch.ts';
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

const batches = [1, 2, 3, 4].map((rows) => eventBatch(rows));
const bad = batches[2] as Batch;

let directory: ReturnType<typeof temporaryDirectory>;
let spool: Spool;
let registry: Registry;
beforeEach(async () => {
  directory = temporaryDirectory();
  spool = await openSpool(directory.path);
  await spool.append({ id: uuidv7(), batches });
  registry = new Registry();
});
afterEach(async () => {
  await spool.close();
  directory.remove();
});

/** A database in memory, with one thing that goes wrong with one batch. */
class Database implements Committer {
  readonly stored: string[] = [];
  readonly kept: string[] = [];
  probes = 0;
  readonly #fail: (batches: readonly Batch[]) => void;

  constructor(fail: (batches: readonly Batch[]) => void) {
    this.#fail = fail;
  }

  readonly commit: Committer['commit'] = async ({ batches: group }) => {
    this.#fail(group);
    this.stored.push(...group.map(({ id }) => id));
    return group.map(() => ({ kind: 'stored' }));
  };

  readonly commitSuspects: Committer['commit'] = (group) => this.commit(group);

  readonly keep: Committer['keep'] = async ({ id, answer }) => {
    this.kept.push(id);
    return { kind: 'stored', deadLettered: answer.stored };
  };

  readonly probe: Committer['probe'] = async () => {
    this.probes += 1;
  };
}

async function drainAll(database: Committer): Promise<void> {
  const health = new Health();
  const accounting = new Accounting(registry);
  for (const { answer } of batches) accounting.received(answer);
  const limits = { groupRowsMax: 1000, groupBytesMax: 1024 * 1024 };
  const outage = new Outage(() => database.probe([]), health);
  await new Drain(spool, database, outage, limits, accounting, health, silentLogger).finish();
}

const value = async (name: string, labels: Record<string, string> = {}) =>
  (await registry.getSingleMetric(name)?.get())?.values.find((sample) =>
    Object.entries(labels).every(([label, text]) => sample.labels[label] === text),
  )?.value;
const table = 'system_telemetry';
const settledAs = (outcome: string) => value('telemetry_records_settled_total', { table, outcome });
const files = () => readdirSync(directory.path).filter((name) => name.startsWith('spool-'));
const others = batches.filter((batch) => batch !== bad).map(({ id }) => id);

const broken = (group: readonly Batch[]) => {
  if (group.some(({ id }) => id === bad.id)) throw new TypeError('a mistake of ours');
};

it('keeps what a mistake of ours does not let it store, and stores all others (5.12)', async () => {
  const database = new Database(broken);
  await drainAll(database);
  expect(database.stored.toSorted()).toEqual(others.toSorted());
  expect(database.kept).toEqual([bad.id]);
  expect(await settledAs('stored')).toBe(1 + 2 + 4);
  expect(await settledAs('dead_lettered')).toBe(3);
  expect(await value('telemetry_records_pending', { table })).toBe(0);
  expect(files()).toEqual([]);
});

it('sets the segment aside where the batch can not be kept either (5.12)', async () => {
  const database = new Database(broken);
  const keep = () => Promise.reject(new TypeError('another one'));
  await drainAll({ ...database, keep });
  expect(database.stored.toSorted()).toEqual(others.toSorted());
  expect(await value('telemetry_spool_set_aside_total')).toBe(1);
  expect(await value('telemetry_records_pending', { table })).toBe(3);
  expect(files()).toEqual([expect.stringMatching(/\.damaged$/)]);
});

it('takes nothing for a fault of a batch while the database fails (4.3)', async () => {
  let failures = 0;
  const database = new Database(() => {
    failures += 1;
    if (failures <= 5) throw new ServiceError('retryable', 'the database is away');
  });
  const probe = () => Promise.reject(new Error('away'));
  await drainAll({ ...database, probe });
  expect(database.stored).toEqual(batches.map(({ id }) => id));
  expect(database.kept).toEqual([]);
  expect(await value('telemetry_spool_put_off_total')).toBe(0);
});

it('waits with a batch that can not be kept because the database is away (4.3)', async () => {
  const database = new Database(broken);
  let tries = 0;
  let isAway = false;
  const keep: Committer['keep'] = async (batch, reason) => {
    tries += 1;
    isAway = tries < 3;
    if (isAway) throw new ServiceError('retryable', 'away');
    return await database.keep(batch, reason);
  };
  const probe = async () => {
    if (isAway) throw new Error('away');
  };
  await drainAll({ ...database, keep, probe });
  expect(database.kept).toEqual([bad.id]);
  expect(await value('telemetry_spool_set_aside_total')).toBe(0);
});
