import { Counter, Gauge, type Registry } from 'prom-client';
import { type CostCounts, costOutcomes } from '../records/cost-source.ts';
import {
  byKind,
  type RecordCounts,
  type RecordKind,
  recordKinds,
  tables,
} from '../records/tables.ts';

/** The records of a batch, by what its answer says of them. */
export interface CountedRecords {
  readonly stored: RecordCounts;
  readonly rejected: RecordCounts;
}

export const settledMetric = 'telemetry_records_settled_total';
export const pendingMetric = 'telemetry_records_pending';

type Sums = Record<RecordKind, number>;

const outcomes = ['stored', 'duplicate', 'rejected', 'refused', 'dead_lettered', 'erased'] as const;

interface SettledAs {
  readonly kind: 'stored' | 'duplicate' | 'conflict' | 'refused' | 'spooled';
  readonly deadLettered?: RecordCounts;
  /** Rows of a stored batch that were there already. */
  readonly known?: RecordCounts;
  /** Usage records of calls that others have stored. */
  readonly repeated?: { readonly count: number };
  /** Rows of somebody whose records were erased meanwhile. */
  readonly erased?: RecordCounts;
}

/**
 * Counts what becomes of every record, by table. At any moment `received + recovered =
 * stored + duplicate + rejected + refused + dead_lettered + erased + pending`.
 */
export class Accounting {
  readonly #received = noRecords();
  readonly #recovered = noRecords();
  readonly #pending = noRecords();
  readonly #settled = Object.fromEntries(
    outcomes.map((outcome) => [outcome, noRecords()]),
  ) as Record<(typeof outcomes)[number], Sums>;
  readonly #damaged: Counter;
  readonly #putOff: Counter;
  readonly #setAside: Counter;
  readonly #madeStorable: Counter;
  readonly #costs: Counter<'outcome'>;
  readonly #repeatedCalls: Counter;

  constructor(registry: Registry) {
    const registers = [registry];
    this.#tellSums(registers);
    this.#damaged = new Counter({
      name: 'telemetry_spool_damaged_records_total',
      help: 'Records of the spool that could not be read, and were set aside with their segment.',
      registers,
    });
    this.#putOff = new Counter({
      name: 'telemetry_spool_put_off_total',
      help: 'Batches of the spool that could not be stored while others could, and come again after these.',
      registers,
    });
    this.#setAside = new Counter({
      name: 'telemetry_spool_set_aside_total',
      help: 'Batches of the spool that could be neither stored nor kept as dead letters, and were set aside with their segment.',
      registers,
    });
    this.#repeatedCalls = new Counter({
      name: 'telemetry_usage_repeated_total',
      help: 'Usage records whose call was stored before, by whatever way: among the duplicates.',
      registers,
    });
    this.#madeStorable = new Counter({
      name: 'telemetry_strings_made_storable_total',
      help: 'Strings in which NUL or an unpaired surrogate was replaced by U+FFFD.',
      registers,
    });
    this.#costs = new Counter({
      name: 'telemetry_usage_costs_total',
      help: 'Usage records taken, by where their cost is from: client, list or own; or why they have none.',
      labelNames: ['outcome'],
      registers,
    });
    for (const outcome of costOutcomes) this.#costs.inc({ outcome }, 0);
  }

  /** Has the sums told when somebody asks: that takes as long as much else of a batch's way. */
  #tellSums(registers: Registry[]): void {
    const [settled, pending] = [this.#settled, this.#pending];
    const count = (sums: Sums, name: string, help: string) =>
      new Counter({
        name,
        help,
        labelNames: ['table'],
        registers,
        collect() {
          this.reset();
          tell(sums, (table, sum) => this.inc({ table }, sum));
        },
      });
    count(this.#received, 'telemetry_records_received_total', 'Records taken from clients.');
    count(
      this.#recovered,
      'telemetry_records_recovered_total',
      'Records that came back from the spool: from before the process began, or refused by it.',
    );
    new Counter({
      name: settledMetric,
      help: 'Records by what became of them: stored, duplicate, rejected, refused, dead_lettered or erased.',
      labelNames: ['table', 'outcome'],
      registers,
      collect() {
        this.reset();
        for (const outcome of outcomes) {
          tell(settled[outcome], (table, count) => this.inc({ table, outcome }, count));
        }
      },
    });
    new Gauge({
      name: pendingMetric,
      help: 'Records taken and not settled yet, in memory or in the spool.',
      labelNames: ['table'],
      registers,
      collect() {
        tell(pending, (table, count) => this.set({ table }, count));
      },
    });
  }

  /** Records of both tables that are taken and not settled yet. */
  get pending(): number {
    return this.#pending.event + this.#pending.usage;
  }

  received(records: CountedRecords): void {
    this.#begin(this.#received, records);
  }

  /** Found in the spool when its turn came, from before this process began. */
  recovered(records: CountedRecords): void {
    this.#begin(this.#recovered, records);
  }

  /** What is spooled is still pending. */
  settled(
    records: CountedRecords,
    { kind, deadLettered, known, repeated, erased }: SettledAs,
  ): void {
    if (kind === 'spooled') return;
    if (repeated) this.#repeatedCalls.inc(repeated.count);
    for (const recordKind of recordKinds) {
      const dead = deadLettered?.[recordKind] ?? 0;
      const again = recordKind === 'usage' ? (repeated?.count ?? 0) : 0;
      const twice = (known?.[recordKind] ?? 0) + again;
      const gone = erased?.[recordKind] ?? 0;
      const valid = records.stored[recordKind] - dead - twice - gone;
      const rejected = records.rejected[recordKind];
      const outcome = kind === 'conflict' ? 'refused' : kind;
      const settled = this.#settled;
      settled[outcome][recordKind] += valid;
      settled[outcome === 'stored' ? 'rejected' : outcome][recordKind] += rejected;
      settled.dead_lettered[recordKind] += dead;
      settled.duplicate[recordKind] += twice;
      settled.erased[recordKind] += gone;
      this.#pending[recordKind] -= valid + rejected + dead + twice + gone;
    }
  }

  /** Records of the spool that can't be read. */
  damaged(records: number): void {
    this.#damaged.inc(records);
  }

  /** A batch of the spool has gone back to its end. */
  putOff(): void {
    this.#putOff.inc();
  }

  /** A batch of the spool stays where no drain comes to; it is still pending. */
  setAside(): void {
    this.#setAside.inc();
  }

  madeStorable(strings: number): void {
    this.#madeStorable.inc(strings);
  }

  priced(costs: CostCounts): void {
    for (const outcome of costOutcomes) {
      const count = costs[outcome];
      if (count !== undefined) this.#costs.inc({ outcome }, count);
    }
  }

  #begin(sums: Sums, records: CountedRecords): void {
    for (const kind of recordKinds) {
      const count = records.stored[kind] + records.rejected[kind];
      sums[kind] += count;
      this.#pending[kind] += count;
    }
  }
}

const noRecords = (): Sums => byKind(() => 0);

/** Of all tables: a series that is not there yet reads like one that is not counted. */
function tell(sums: Sums, set: (table: string, count: number) => void): void {
  for (const kind of recordKinds) set(tables[kind].name, sums[kind]);
}
