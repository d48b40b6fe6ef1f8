import type { Registry } from 'prom-client';
import { minuteMs } from '../units.ts';
import { type Bounded, boundedOf, quantileOf, sumsBy, totalOf } from './counted.ts';
import { type Ledger, readLedger } from './ledger.ts';

/** What the metrics said at one moment. */
export interface Look {
  readonly atMs: number;
  readonly ledger: Ledger;
  readonly requests: number;
  readonly acknowledged: Bounded;
  readonly cpuUs: number;
  /** Records by the key that they came with: those that were taken, and all. */
  readonly taken: ReadonlyMap<string, number>;
  readonly asked: ReadonlyMap<string, number>;
}

/** Each of these routes answers when what it was sent is durable; streams have no one moment. */
const isAcknowledgement = (route: string): boolean =>
  /\/v1\/telemetry\/(log|usage|batch)$|IngestService\/Log/.test(route);

const byKey = 'telemetry_key_records_total';

async function look(registry: Registry): Promise<Look> {
  const { user, system } = process.cpuUsage();
  return {
    atMs: performance.now(),
    ledger: await readLedger(registry),
    requests: await totalOf(registry, 'telemetry_requests_total'),
    acknowledged: await boundedOf(registry, 'telemetry_request_duration_seconds', ({ route }) =>
      isAcknowledgement(String(route)),
    ),
    cpuUs: user + system,
    taken: await sumsBy(registry, byKey, 'key', ({ outcome }) => outcome === 'taken'),
    asked: await sumsBy(registry, byKey, 'key'),
  };
}

/** In one second. */
export interface Rates {
  readonly received: number;
  readonly stored: number;
  readonly rejected: number;
  readonly refused: number;
  readonly requests: number;
  /** Of one core. */
  readonly cpu: number;
}

/** Looks of the last minute or so, between which things are counted. */
export class Looks {
  readonly #registry: Registry;
  #kept: Look[] = [];

  constructor(registry: Registry) {
    this.#registry = registry;
  }

  async look(): Promise<Look> {
    const latest = await look(this.#registry);
    this.#kept.push(latest);
    // One that is a minute old is kept to compare with.
    while ((this.#kept[1]?.atMs ?? Infinity) < latest.atMs - minuteMs) this.#kept.shift();
    return latest;
  }

  /** Of each second between the ends. */
  #rate(of: (look: Look) => number): number {
    const [first, last] = this.#ends;
    const seconds = Math.max(0.001, (last.atMs - first.atMs) / 1000);
    return Math.max(0, (of(last) - of(first)) / seconds);
  }

  /** Records a second with a key: those that were taken, and all. */
  ratesOf(key: string): { readonly taken: number; readonly asked: number } {
    return {
      taken: this.#rate(({ taken }) => taken.get(key) ?? 0),
      asked: this.#rate(({ asked }) => asked.get(key) ?? 0),
    };
  }

  get rates(): Rates {
    const rate = (of: (look: Look) => number) => this.#rate(of);
    return {
      received: rate(({ ledger }) => ledger.received),
      stored: rate(({ ledger }) => ledger.stored),
      rejected: rate(({ ledger }) => ledger.rejected),
      refused: rate(({ ledger }) => ledger.refused),
      requests: rate(({ requests }) => requests),
      cpu: rate(({ cpuUs }) => cpuUs) / 1e6,
    };
  }

  /** Milliseconds; absent where nothing was acknowledged. */
  acknowledgedMs(share: number): number | undefined {
    const [first, last] = this.#ends;
    const seconds = quantileOf(first.acknowledged, last.acknowledged, share);
    return seconds && seconds * 1000;
  }

  get #ends(): readonly [Look, Look] {
    return [this.#kept[0] as Look, this.#kept.at(-1) as Look];
  }
}
