import { costSources, isComputed } from './cost-source.ts';
import { recordFields, slotOf } from './fields.ts';
import { FieldFault } from './limits.ts';
import type { RecordValues } from './record-values.ts';

/** The tokens of a record were counted as the contract says: input includes what is cached. */
const contractRule = 'contract';

const slots = {
  input: slotOf('usage', 'input_tokens'),
  cached: slotOf('usage', 'cached_tokens'),
  cacheWrite: slotOf('usage', 'cache_write_tokens'),
  cost: slotOf('usage', 'cost_usd'),
  costSource: slotOf('usage', 'cost_source'),
  rule: slotOf('usage', 'usage_rule'),
  ambiguous: slotOf('usage', 'ambiguous'),
};

/** A part and its whole, by slot. */
const parts = recordFields.usage.flatMap(({ partOf }, slot) =>
  partOf === undefined ? [] : [{ slot, whole: slotOf('usage', partOf) }],
);

/** Says of a usage record that is valid what its sender has left out, or can't know. */
export function completeUsage({ values }: RecordValues, isRestored: boolean): void {
  const source = values[slots.costSource] as string;
  if (!isRestored && (source === 'computed' || isComputed(source))) {
    throw new FieldFault('cost_source', 'is computed, which the collector alone says');
  }
  if (values[slots.cost] === undefined) values[slots.costSource] = '';
  else if (source === '') values[slots.costSource] = costSources.client;
  if (values[slots.rule] === '') values[slots.rule] = contractRule;
  if (isAmbiguous(values as readonly number[])) values[slots.ambiguous] = 1;
}

/** Whether its counts contradict each other: a part is greater than its whole. */
function isAmbiguous(values: readonly number[]): boolean {
  const at = (slot: number) => values[slot] as number;
  for (const { slot, whole } of parts) if (at(slot) > at(whole)) return true;
  return at(slots.cached) + at(slots.cacheWrite) > at(slots.input);
}
