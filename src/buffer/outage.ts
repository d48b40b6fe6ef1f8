import { toldMessage } from '../errors.ts';
import type { Health } from '../observe/health.ts';
import type { RecordKind } from '../records/tables.ts';
import { Backoff } from './backoff.ts';
import { type Batch, kindsOf, type Probe } from './batch.ts';

/** A probe costs a database that is away a connection, and one that is back what is spooled meanwhile. */
const probeMsMax = 2000;

/**
 * Whether the database fails, and groups go to the spool without a try. It begins with a commit
 * that fails. It ends when the database takes records of the same kinds, which it is asked for
 * again and again, whatever is in the spool (section 4 of docs/specs/buffer.md).
 */
export class Outage {
  readonly #probe: Probe;
  readonly #health: Health;
  readonly #backoff = new Backoff(probeMsMax);
  /** Of the records that could not be stored. */
  readonly #kinds = new Set<RecordKind>();
  #ending: AbortController | undefined;
  #watching: Promise<void> | undefined;

  constructor(probe: Probe, health: Health) {
    this.#probe = probe;
    this.#health = health;
  }

  get isOn(): boolean {
    return this.#ending !== undefined;
  }

  /** Aborted when the one that is on ends. */
  get ending(): AbortSignal | undefined {
    return this.#ending?.signal;
  }

  begin(error: Error, batches: readonly Batch[]): void {
    for (const kind of kindsOf(batches)) this.#kinds.add(kind);
    this.#health.report('commit', toldMessage(error), false, error);
    if (this.#ending) return;
    this.#ending = new AbortController();
    this.#watching = this.#watch(this.#ending.signal);
  }

  /** The database has taken these. */
  committed(batches: readonly Batch[]): void {
    this.#backoff.reset();
    if (!this.isOn) return;
    const kinds = kindsOf(batches);
    if ([...this.#kinds].every((kind) => kinds.includes(kind))) this.#end();
  }

  /** Asks no more. */
  async close(): Promise<void> {
    this.#ending?.abort();
    await this.#watching;
  }

  #end(): void {
    this.#ending?.abort();
    this.#ending = undefined;
    this.#kinds.clear();
    this.#health.report('commit', undefined);
  }

  async #watch(signal: AbortSignal): Promise<void> {
    for (;;) {
      await this.#backoff.pause(signal);
      if (signal.aborted) return;
      const failure = await this.#probe([...this.#kinds]).then(
        () => undefined,
        (error: unknown) => toldMessage(error),
      );
      if (signal.aborted) return;
      if (failure === undefined) return this.#end();
      this.#health.report('commit', failure, false);
    }
  }
}
