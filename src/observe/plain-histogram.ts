import type { Histogram, Registry } from 'prom-client';

interface Options {
  readonly name: string;
  readonly help: string;
  readonly labelName: string;
  /** Upper bounds, in ascending order. */
  readonly buckets: readonly number[];
}

/** Values by bucket. */
export class Distribution {
  readonly #buckets: readonly number[];
  /** The last of them for what is above all bounds. */
  readonly counts: number[];
  sum = 0;

  constructor(buckets: readonly number[]) {
    this.#buckets = buckets;
    this.counts = [...buckets.map(() => 0), 0];
  }

  observe(value: number): void {
    let bucket = 0;
    while (bucket < this.#buckets.length && value > (this.#buckets[bucket] as number)) bucket++;
    (this.counts[bucket] as number) += 1;
    this.sum += value;
  }
}

/**
 * A histogram with one label, as `prom-client` has them, whose values are counted in plain numbers:
 * there each takes as long as much else of a request's way.
 */
export class PlainHistogram {
  readonly name: string;
  readonly #options: Options;
  readonly #byLabel = new Map<string, Distribution>();

  constructor(options: Options, registry: Registry) {
    this.name = options.name;
    this.#options = options;
    // A registry asks for no more than a name and `get`.
    registry.registerMetric(this as unknown as Histogram);
  }

  /** Where the values of one label are counted; made once. */
  labels(label: string): Distribution {
    const distribution = new Distribution(this.#options.buckets);
    this.#byLabel.set(label, distribution);
    return distribution;
  }

  /** As registries tell it. */
  async get() {
    const { name, help } = this.#options;
    const values = [...this.#byLabel].flatMap(([label, each]) => this.#values(label, each));
    return { name, help, type: 'histogram', aggregator: 'sum', values };
  }

  #values(label: string, { counts, sum }: Distribution) {
    const { name, labelName, buckets } = this.#options;
    const labels = { [labelName]: label };
    let count = 0;
    const cumulated = counts.map((each, at) => {
      count += each;
      const le = buckets[at] ?? '+Inf';
      return { metricName: `${name}_bucket`, labels: { le, ...labels }, value: count };
    });
    return [
      ...cumulated,
      { metricName: `${name}_sum`, labels, value: sum },
      { metricName: `${name}_count`, labels, value: count },
    ];
  }
}
