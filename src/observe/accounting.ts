import { Counter, Gauge, type Registry } from 'prom-client';
import { type RecordCounts, recordKinds, tables } from '../event-types.ts';

/** The records of a batch, by what its answer says of them. */
export interface CountedRecords {
  readonly stored: RecordCounts;
  readonly rejected: RecordCounts;
}

/**
 * Counts what becomes of every record, by table. At any moment
 * `received = stored + duplicate + rejected + refused + pending`.
 */
export class Accounting {
  readonly #received: Counter<'table'>;
  readonly #settled: Counter<'table' | 'outcome'>;
  readonly #pending: Gauge<'table'>;
  readonly #madeStorable: Counter;

  constructor(registry: Registry) {
    const registers = [registry];
    this.#received = new Counter({
      name: 'telemetry_records_received_total',
      help: 'Records taken from clients.',
      labelNames: ['table'],
      registers,
    });
    this.#settled = new Counter({
      name: 'telemetry_records_settled_total',
      help: 'Records by what became of them: stored, duplicate, rejected or refused.',
      labelNames: ['table', 'outcome'],
      registers,
    });
    this.#pending = new Gauge({
      name: 'telemetry_records_pending',
      help: 'Records taken and not settled yet.',
      labelNames: ['table'],
      registers,
    });
    this.#madeStorable = new Counter({
      name: 'telemetry_strings_made_storable_total',
      help: 'Strings in which NUL or an unpaired surrogate was replaced by U+FFFD.',
      registers,
    });
  }

  received(records: CountedRecords): void {
    for (const kind of recordKinds) {
      const count = records.stored[kind] + records.rejected[kind];
      this.#received.inc({ table: tables[kind].name }, count);
      this.#pending.inc({ table: tables[kind].name }, count);
    }
  }

  settled(
    records: CountedRecords,
    became: 'stored' | 'duplicate' | 'conflict' | 'refused' | 'rejected',
  ): void {
    const outcome = became === 'conflict' ? 'refused' : became;
    for (const kind of recordKinds) {
      const table = tables[kind].name;
      const stored = records.stored[kind];
      const rejected = records.rejected[kind];
      this.#settled.inc({ table, outcome }, stored);
      const rejectedOutcome = outcome === 'stored' ? 'rejected' : outcome;
      this.#settled.inc({ table, outcome: rejectedOutcome }, rejected);
      this.#pending.dec({ table }, stored + rejected);
    }
  }

  madeStorable(strings: number): void {
    this.#madeStorable.inc(strings);
  }
}
