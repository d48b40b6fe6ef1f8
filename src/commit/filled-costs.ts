import { decimalText } from '../prices/decimal.ts';
import type { Pricer } from '../prices/pricer.ts';
import { type CostRow, costColumns, storedCall } from '../prices/stored.ts';
import { isComputed } from '../records/cost-source.ts';
import type { ChangedRow } from '../rollup/corrections.ts';
import type { NewCost } from './written-costs.ts';

/** A row as JSON has it. */
type Stored = Omit<CostRow, 'time_ms'> & {
  readonly id: string;
  readonly timestamp: string;
  readonly cost_usd: number | null;
  readonly cost_source: string | null;
};

/**
 * The costs of rows that later records have filled in: what decides a cost may have come from
 * several of them, in whatever order, so that none of them has priced it. A client's own stays.
 */
export function filledCosts(pricer: Pricer, changed: readonly ChangedRow[]): NewCost[] {
  return changed.flatMap((row) => {
    const [before, after] = [row.before, row.after].map((json) => JSON.parse(json) as Stored);
    if (!before || !after || !isOpen(before, after)) return [];
    const cost = costOf(pricer, before, after);
    if (!cost) return [];
    const { id, timestamp } = after;
    return [{ id, timestamp, row: row.before, was_rolled: row.was_rolled, ...cost }];
  });
}

/** Whether a row has another cost, or none, by what has been filled in. */
function isOpen(before: Stored, after: Stored): boolean {
  if (after.cost_usd !== null && !isComputed(after.cost_source ?? '')) return false;
  if (before.cost_usd !== after.cost_usd) return true;
  return costColumns.some(
    (name) =>
      before[name] !== after[name] &&
      // Only a price by time goes by it, and there was none without.
      !(name === 'duration_ms' && after.cost_usd !== null),
  );
}

function costOf(pricer: Pricer, before: Stored, after: Stored) {
  const priced = pricer.price(callOf(after));
  if (typeof priced !== 'string') {
    return { after: decimalText(priced.cost), source: priced.source };
  }
  if (after.cost_usd === null) return undefined;
  // What these prices never knew, they have no say in.
  const isTaken = before.cost_usd !== after.cost_usd;
  const isGone = isTaken || typeof pricer.price(callOf(before)) !== 'string';
  return isGone ? { after: null, source: null } : undefined;
}

const callOf = (row: Stored) => storedCall({ ...row, time_ms: Date.parse(row.timestamp) });
