import type { Registry } from 'prom-client';

type Labels = Readonly<Record<string, string | number | undefined>>;
interface Value {
  readonly value: number;
  readonly labels: Labels;
  /** Of a histogram. */
  readonly metricName?: string;
}

/** The values of a metric, such as it is; none where it is not there. */
async function valuesOf(registry: Registry, name: string): Promise<readonly Value[]> {
  const { values = [] } = (await registry.getSingleMetric(name)?.get()) ?? {};
  return values;
}

/** The sum of the values that have some labels. */
export async function totalOf(
  registry: Registry,
  name: string,
  has: (labels: Labels) => boolean = () => true,
): Promise<number> {
  const values = await valuesOf(registry, name);
  return values.reduce((sum, { value, labels }) => sum + (has(labels) ? value : 0), 0);
}

/** The sums of the values that have some labels, by one of the others. */
export async function sumsBy(
  registry: Registry,
  name: string,
  label: string,
  has: (labels: Labels) => boolean = () => true,
): Promise<ReadonlyMap<string, number>> {
  const sums = new Map<string, number>();
  for (const { value, labels } of await valuesOf(registry, name)) {
    const key = String(labels[label]);
    if (has(labels)) sums.set(key, (sums.get(key) ?? 0) + value);
  }
  return sums;
}

/** How many there were up to each bound, in seconds. */
export type Bounded = ReadonlyMap<number, number>;

/** All series of a histogram that have some labels, as one. */
export async function boundedOf(
  registry: Registry,
  name: string,
  has: (labels: Labels) => boolean,
): Promise<Bounded> {
  const found = new Map<number, number>();
  for (const { value, labels, metricName } of await valuesOf(registry, name)) {
    if (metricName !== `${name}_bucket` || !has(labels)) continue;
    const bound = labels.le === '+Inf' ? Infinity : Number(labels.le);
    found.set(bound, (found.get(bound) ?? 0) + value);
  }
  return found;
}

/** The quantile of what came between two looks, between the bounds of its bucket. */
export function quantileOf(before: Bounded, after: Bounded, share: number): number | undefined {
  const bounds = [...after.keys()].sort((a, b) => a - b);
  const counts = bounds.map((bound) => (after.get(bound) ?? 0) - (before.get(bound) ?? 0));
  const wanted = share * (counts.at(-1) ?? 0);
  if (wanted <= 0) return undefined;
  const at = counts.findIndex((count) => count >= wanted);
  const [low, below] = [bounds[at - 1] ?? 0, counts[at - 1] ?? 0];
  const high = bounds[at] as number;
  if (!Number.isFinite(high)) return low;
  return low + ((high - low) * (wanted - below)) / ((counts[at] as number) - below);
}
