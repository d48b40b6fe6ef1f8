import { randomBytes } from 'node:crypto';
import { Registry } from 'prom-client';
import { uuidv7 } from 'uuidv7';
import type { Batch, CommitGroup, Group, Settlement } from '../../src/buffer/batch.ts';
import { IngestBuffer } from '../../src/buffer/ingest-buffer.ts';
import type { LaneOptions } from '../../src/buffer/lane.ts';
import { type ErrorKind, ServiceError } from '../../src/errors.ts';
import { Accounting } from '../../src/observe/accounting.ts';

/** What every batch costs beside its rows. */
export const overheadBytes = 1024;

export interface BatchInit {
  readonly id?: string;
  readonly rows?: number;
  /** All that the batch costs in memory. */
  readonly bytes?: number;
  /** Batches with the same id and other content are in conflict. */
  readonly content?: string;
  readonly rejected?: number;
}

export function makeBatch(init: BatchInit = {}): Batch {
  const { id = uuidv7(), rows = 1, bytes = overheadBytes, rejected = 0 } = init;
  return {
    id,
    fingerprint: Buffer.from(init.content ?? id),
    rows: {
      event: { count: rows, copy: randomBytes(bytes - overheadBytes) },
      usage: { count: 0, copy: new Uint8Array() },
    },
    answer: {
      stored: { event: rows, usage: 0 },
      rejected: { event: rejected, usage: 0 },
      rejections: [],
    },
  };
}

/** One call of `CommitGroup`, open until the test says how it ends. */
export interface CommitCall {
  readonly group: Group;
  /** Commits the group to the ledger in memory; batches named here go to a spool instead. */
  succeed(spooled?: ReadonlySet<Batch>): void;
  fail(kind: ErrorKind | 'unexpected'): void;
  /** As when COMMIT reaches the server and its answer is lost: stored, and told as retryable. */
  succeedUnheard(): void;
}

/** A `CommitGroup` with a ledger in memory, whose every call waits for the test. */
export class MemoryCommit {
  /** All calls so far, in order. */
  readonly calls: CommitCall[] = [];
  readonly open = new Set<CommitCall>();
  /** Batches that went to the spool. */
  readonly spooled = new Set<Batch>();
  readonly #ledger = new Map<string, { readonly batch: Batch; readonly groupId: string }>();
  #awaited = 0;
  #arrived = Promise.withResolvers<void>();

  /** Batches that were stored, by id. */
  stored(id: string): Batch | undefined {
    return this.#ledger.get(id)?.batch;
  }

  /** The next call, in the order of calls. */
  async next(): Promise<CommitCall> {
    const index = this.#awaited++;
    while (this.calls.length <= index) await this.#arrived.promise;
    return this.calls[index] as CommitCall;
  }

  readonly commit: CommitGroup = (group) => {
    const { promise, resolve, reject } = Promise.withResolvers<readonly Settlement[]>();
    const settleAll = (spooled: ReadonlySet<Batch> = new Set()) =>
      group.batches.map((batch) => this.#settle(group, batch, spooled));
    const call: CommitCall = {
      group,
      succeed: (spooled) => {
        this.open.delete(call);
        resolve(settleAll(spooled));
      },
      succeedUnheard: () => {
        settleAll();
        call.fail('retryable');
      },
      fail: (kind) => {
        this.open.delete(call);
        reject(kind === 'unexpected' ? new TypeError(kind) : new ServiceError(kind, kind));
      },
    };
    this.calls.push(call);
    this.open.add(call);
    this.#arrived.resolve();
    this.#arrived = Promise.withResolvers();
    return promise;
  };

  #settle(group: Group, batch: Batch, spooled: ReadonlySet<Batch>): Settlement {
    const first = this.#ledger.get(batch.id);
    if (!first && spooled.has(batch)) {
      this.spooled.add(batch);
      return { kind: 'spooled' };
    }
    if (!first) this.#ledger.set(batch.id, { batch, groupId: group.id });
    if (!first || first.groupId === group.id) return { kind: 'stored' };
    if (!Buffer.from(first.batch.fingerprint).equals(batch.fingerprint)) {
      return { kind: 'conflict' };
    }
    return { kind: 'duplicate', answer: first.batch.answer };
  }
}

export const laneOptions: LaneOptions = {
  writers: 1,
  groupRowsMax: 1000,
  groupBytesMax: 1024 * 1024,
  groupAgeMsMax: 0,
  budgetBytes: 1024 * 1024,
};

export interface MemoryBuffer {
  readonly buffer: IngestBuffer;
  readonly commit: MemoryCommit;
  /** Records by what became of them; throws unless all that was received is accounted for. */
  records(): Promise<Records>;
}

interface Records {
  readonly received: number;
  readonly pending: number;
  readonly stored: number;
  readonly duplicate: number;
  readonly rejected: number;
  readonly refused: number;
}

export function createBuffer(
  unary: Partial<LaneOptions> = {},
  stream: Partial<LaneOptions> = unary,
): MemoryBuffer {
  const registry = new Registry();
  const commit = new MemoryCommit();
  const lanes = {
    unary: { ...laneOptions, ...unary },
    stream: { ...laneOptions, ...stream },
  };
  const stores = { unary: commit.commit, stream: commit.commit };
  const buffer = new IngestBuffer(lanes, stores, new Accounting(registry));
  return { buffer, commit, records: () => readRecords(registry) };
}

async function readRecords(registry: Registry): Promise<Records> {
  const samples = async (name: string) =>
    (await registry.getSingleMetric(`telemetry_records_${name}`)?.get())?.values ?? [];
  const sum = (values: readonly { value: number }[]) =>
    values.reduce((total, { value }) => total + value, 0);
  const settled = await samples('settled_total');
  const outcome = (name: string) => sum(settled.filter(({ labels }) => labels.outcome === name));
  const records = {
    received: sum(await samples('received_total')),
    pending: sum(await samples('pending')),
    stored: outcome('stored'),
    duplicate: outcome('duplicate'),
    rejected: outcome('rejected'),
    refused: outcome('refused'),
  };
  const { received, ...accounted } = records;
  const total = Object.values(accounted).reduce((a, b) => a + b);
  if (received !== total) throw new Error(`unaccounted for: ${JSON.stringify(records)}`);
  return records;
}

/** A signal that never comes. */
export const never = new AbortController().signal;
