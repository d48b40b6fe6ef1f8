import { expect } from 'vitest';
import { type Acknowledgement, type Batch, batchBytes, batchRows } from '../../src/buffer/batch.ts';
import type { LaneName } from '../../src/buffer/ingest-buffer.ts';
import type { LaneOptions } from '../../src/buffer/lane.ts';
import { pass, settle } from './fake-time.ts';
import {
  type CommitCall,
  createBuffer,
  laneOptions,
  makeBatch,
  overheadBytes,
} from './memory-commit.ts';

/** One thing that happens. `pick` chooses among what is there, modulo its number. */
export type Happening =
  | {
      readonly kind: 'offer' | 'admit';
      readonly lane: LaneName;
      readonly rows: number;
      readonly size: number;
      /** Takes the id of an earlier batch, and says whether its content too. */
      readonly twin: { readonly pick: number; readonly same: boolean } | undefined;
    }
  | { readonly kind: 'succeed' | 'spool' | 'unheard'; readonly pick: number }
  | { readonly kind: 'fail'; readonly pick: number; readonly as: 'retryable' | 'unexpected' }
  | { readonly kind: 'abort'; readonly pick: number }
  | { readonly kind: 'pass'; readonly ms: number }
  | { readonly kind: 'close' };

interface Offered {
  readonly batch: Batch;
  readonly lane: LaneName;
  readonly isTwin: boolean;
  readonly patience: AbortController;
  /** When it found room, as a position among all that did. */
  position?: number;
  result?: Acknowledgement | (Error & { readonly kind?: string });
}

const limits = { groupRowsMax: 6, groupBytesMax: 4 * overheadBytes };

const lanes: Record<LaneName, LaneOptions> = {
  unary: { ...laneOptions, ...limits, groupAgeMsMax: 5, budgetBytes: 5 * overheadBytes },
  stream: {
    ...laneOptions,
    ...limits,
    groupAgeMsMax: 20,
    writers: 2,
    budgetBytes: 7 * overheadBytes,
  },
};

/** Makes things happen to a buffer, and checks after each what has to hold at every moment. */
export class Simulation {
  readonly #made = createBuffer(lanes.unary, lanes.stream);
  readonly #offered: Offered[] = [];
  #closed: Promise<void> | undefined;
  #isClosed = false;
  #positions = 0;

  async happen(happening: Happening): Promise<void> {
    const { open } = this.#made.commit;
    switch (happening.kind) {
      case 'offer':
      case 'admit':
        this.#offer(happening);
        break;
      case 'abort':
        at(this.#offered, happening.pick)?.patience.abort(new Error('aborted'));
        break;
      case 'pass':
        await pass(happening.ms);
        break;
      case 'close':
        this.#close();
        break;
      default:
        this.#end(at([...open], happening.pick), happening);
    }
    await settle();
    await this.#check();
  }

  /** Closes, stores what is held, and checks what every caller was told. */
  async finish(): Promise<void> {
    await this.happen({ kind: 'close' });
    for (let round = 0; round < 200 && !this.#isClosed; round++) {
      await this.happen({ kind: 'succeed', pick: 0 });
      await this.happen({ kind: 'pass', ms: 100 });
    }
    await this.#closed;
    const { buffer, commit, records } = this.#made;
    expect(buffer).toMatchObject({ depth: 0, bytes: 0 });
    // What is spooled is pending until a drain has settled it.
    const spooled = [...commit.spooled].reduce((sum, batch) => sum + batchRows(batch), 0);
    expect(await records()).toMatchObject({ pending: spooled });
    for (const offered of this.#offered) this.#checkResult(offered);
    for (const lane of ['unary', 'stream'] as const) this.#checkOrder(lane);
  }

  #offer(init: Happening & { readonly kind: 'offer' | 'admit' }): void {
    const { buffer } = this.#made;
    const first = init.twin && at(this.#offered, init.twin.pick)?.batch;
    const content = first && (init.twin?.same ? String(first.fingerprint) : `other ${first.id}`);
    const batch = makeBatch({
      rows: init.rows,
      bytes: init.size * overheadBytes,
      ...(first && content && { id: first.id, content }),
    });
    const offered: Offered = {
      batch,
      lane: init.kind === 'admit' ? 'stream' : init.lane,
      isTwin: first !== undefined,
      patience: new AbortController(),
    };
    this.#offered.push(offered);
    const { signal } = offered.patience;
    const settled = (result: Acknowledgement | Error) => {
      expect(offered.result).toBeUndefined();
      offered.result = result;
    };
    if (init.kind === 'offer') {
      offered.position = this.#positions++;
      buffer.offer(batch, init.lane, signal).then(settled, settled);
    } else {
      const admitted = buffer.admit(batch, signal).then(({ acknowledged }) => {
        offered.position = this.#positions++;
        return acknowledged;
      });
      admitted.then(settled, settled);
    }
  }

  #end(call: CommitCall | undefined, happening: Happening): void {
    if (happening.kind === 'succeed') call?.succeed();
    if (happening.kind === 'spool') call?.succeed(new Set(call.group.batches.slice(0, 1)));
    if (happening.kind === 'unheard') call?.succeedUnheard();
    if (happening.kind === 'fail') call?.fail(happening.as);
  }

  #close(): void {
    this.#closed ??= this.#made.buffer.close().then(() => {
      this.#isClosed = true;
    });
  }

  async #check(): Promise<void> {
    const { buffer, commit, records } = this.#made;
    const { pending } = await records();
    expect(pending).toBeGreaterThanOrEqual(0);
    const largest = Math.max(0, ...this.#offered.map(({ batch }) => batchBytes(batch)));
    const bounds = Object.values(lanes).map(({ budgetBytes }) => Math.max(budgetBytes, largest));
    expect(buffer.bytes).toBeLessThanOrEqual(bounds.reduce((a, b) => a + b));
    const underWay = [...commit.open].flatMap(({ group }) => group.batches.map(({ id }) => id));
    expect(underWay).toHaveLength(new Set(underWay).size);
    for (const { group } of commit.calls) checkGroup(group.batches);
    for (const { batch } of this.#offered) expect(this.#groupsOf(batch).size).toBeLessThan(2);
  }

  /** Once in a group, always and only in that group. */
  #groupsOf(batch: Batch): Set<string> {
    const groups = this.#made.commit.calls.map((call) => call.group);
    return new Set(groups.filter(({ batches }) => batches.includes(batch)).map(({ id }) => id));
  }

  #checkResult({ batch, result }: Offered): void {
    if (!result) throw new Error('somebody was never answered');
    const stored = this.#made.commit.stored(batch.id);
    if (!(result instanceof Error)) {
      if (result.durability === 'spooled') {
        expect(stored).not.toBe(batch);
        return;
      }
      if (!result.duplicate) expect(stored).toBe(batch);
      else expect(stored).not.toBe(batch);
      expect(stored?.answer).toEqual(result.answer);
      expect(String(stored?.fingerprint)).toBe(String(batch.fingerprint));
      return;
    }
    const notStored =
      ['overloaded', 'shuttingDown', undefined].includes(result.kind) &&
      !(result instanceof TypeError);
    if (notStored || result.message.includes('not stored')) {
      expect(this.#groupsOf(batch).size).toBe(0);
    }
    if (result.kind === 'conflict') {
      expect(String(stored?.fingerprint)).not.toBe(String(batch.fingerprint));
    }
  }

  /** First in, first out. Twins come when their elders are done, and are left aside. */
  #checkOrder(lane: LaneName): void {
    const written = new Set(this.#made.commit.calls.flatMap(({ group }) => group.batches));
    const position = new Map(
      this.#offered
        .filter((offered) => offered.lane === lane && !offered.isTwin)
        .map((offered) => [offered.batch, offered.position]),
    );
    const order = [...written].flatMap((batch) => position.get(batch) ?? []);
    expect(order).toEqual(order.toSorted((a, b) => a - b));
  }
}

function checkGroup(batches: readonly Batch[]): void {
  expect(new Set(batches.map(({ id }) => id)).size).toBe(batches.length);
  if (batches.length === 1) return;
  const sum = (of: (batch: Batch) => number) => batches.map(of).reduce((a, b) => a + b);
  expect(sum(batchRows)).toBeLessThanOrEqual(limits.groupRowsMax);
  expect(sum(batchBytes)).toBeLessThanOrEqual(limits.groupBytesMax);
}

function at<T>(list: readonly T[], pick: number): T | undefined {
  return list[pick % list.length];
}
