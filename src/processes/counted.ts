import { AggregatorRegistry, type Registry } from 'prom-client';
import { pendingMetric, settledMetric } from '../observe/accounting.ts';

/** What a process says that it has counted, as `prom-client` gives it. */
type Counts = readonly CountedMetric[];

interface CountedMetric {
  readonly name: string;
  readonly type: string;
  readonly values: readonly CountedValue[];
}

interface CountedValue {
  readonly value: number;
  readonly labels: Readonly<Record<string, string | number>>;
}

/**
 * One set of metrics for all processes, those that have ended among them; `counts`: of all of
 * these, or none where there is only one, whose registry it is.
 */
export const together = (registry: Registry, counts: readonly unknown[]): Promise<string> =>
  (counts.length === 0
    ? registry
    : AggregatorRegistry.aggregate([...(counts as object[])])
  ).metrics();

/** Totals must not fall because a process has ended: a scraper would take that for a start of all. */
const lasting = new Set(['counter', 'histogram', 'summary']);

/**
 * What is still to be counted of a process that has ended, as of the last look at it. What it had
 * taken and not settled was refused, as far as anybody knows; what of it was spooled is recovered.
 */
export function countsOfEnded(counts: unknown): Counts {
  const metrics = counts as Counts;
  const pending = metrics.find(({ name }) => name === pendingMetric)?.values ?? [];
  return metrics
    .filter(({ type }) => lasting.has(type))
    .map((metric) =>
      metric.name === settledMetric
        ? { ...metric, values: refusing(metric.values, pending) }
        : metric,
    );
}

function refusing(
  settled: readonly CountedValue[],
  pending: readonly CountedValue[],
): CountedValue[] {
  return settled.map((each) => {
    const left = pending.find(({ labels }) => labels.table === each.labels.table)?.value ?? 0;
    return each.labels.outcome === 'refused' ? { ...each, value: each.value + left } : each;
  });
}

/** Several of these as one. */
export async function sumOf(some: Counts, others: Counts): Promise<Counts> {
  const registry = AggregatorRegistry.aggregate([[...some], [...others]]);
  return (await registry.getMetricsAsJSON()) as unknown as Counts;
}
