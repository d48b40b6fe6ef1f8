import type { Kysely } from 'kysely';
import type { Database } from '../database/schema.ts';
import { decimalText } from '../rollup/decimals.ts';
import { type Decimal, zero } from '../rollup/exact-sums.ts';
import type { Group } from '../rollup/question.ts';
import { readRollups } from '../rollup/read.ts';
import { usageShape } from '../rollup/shapes.ts';
import { addTotals, noTotals, type Totals } from '../rollup/totals.ts';
import { hourMs } from '../units.ts';
import { decimalMean } from './decimal-mean.ts';
import type { Sourced } from './rolled-statistics.ts';
import {
  groupsMax,
  usageSummary as rawSummary,
  type UsageFilter,
  type UsageSummary,
  type UsageTotals,
} from './statistics.ts';

/** From rollups, or from the rows where these don't know: the answers are the same. */
export async function usageSummary(
  db: Kysely<Database>,
  filter: UsageFilter,
): Promise<UsageSummary & Sourced> {
  const { hours, model, layer } = filter;
  const asOf = new Date();
  const answer = await readRollups(db, {
    shape: usageShape,
    where: { ...(model !== '' && { model: [model] }), ...(layer !== '' && { layer: [layer] }) },
    from: new Date(asOf.getTime() - hours * hourMs),
    by: ['model', 'layer'],
  });
  if (!answer) return { ...(await rawSummary(db, filter)), source: 'rows', asOf };
  const breakdown = answer.groups.map((each) => ({ ...namesOf(each), ...summaryOf(each) }));
  const l2 = answer.groups.filter((each) => namesOf(each).layer === 'L2');
  return {
    ...summaryOf(addedUp(answer.groups)),
    l2_tokens: summaryOf(addedUp(l2)).total_tokens,
    breakdown: breakdown.sort(byTokens).slice(0, groupsMax),
    source: 'rollups',
    asOf,
  };
}

interface Names {
  readonly model: string | null;
  readonly layer: string | null;
}

const namesOf = ({ group: [model = null, layer = null] }: Group): Names => ({ model, layer });

type Row = UsageTotals & Names;

const byName = (a: string | null, b: string | null): number =>
  Number(a === null) - Number(b === null) || ((a ?? '') < (b ?? '') ? -1 : Number(a !== b));

const byTokens = (a: Row, b: Row): number =>
  b.total_tokens - a.total_tokens || byName(a.model, b.model) || byName(a.layer, b.layer);

function addedUp(groups: readonly Totals[]): Totals {
  const total = noTotals(usageShape);
  for (const each of groups) addTotals(total, each);
  return total;
}

function summaryOf({ records, values, sums }: Totals): UsageTotals {
  const named = Object.fromEntries(
    usageShape.sums.map(({ name }, index) => [name, sums[index] ?? zero]),
  ) as Record<string, Decimal>;
  const count = (...names: string[]) =>
    exact(names.reduce((sum, name) => sum + (named[name] as Decimal).units, 0n));
  const [duration] = values;
  return {
    requests: records,
    input_tokens: count('input_tokens'),
    output_tokens: count('output_tokens'),
    total_tokens: count('input_tokens', 'output_tokens'),
    cached_tokens: count('cached_tokens'),
    cache_write_tokens: count('cache_write_tokens'),
    reasoning_tokens: count('reasoning_tokens'),
    avg_duration_ms: decimalMean(duration?.sum ?? 0, duration?.n ?? 0),
    cost_usd: Number(decimalText(named.cost_usd as Decimal)),
    ambiguous: count('ambiguous'),
    unpriced: count('unpriced'),
    unpriced_tokens: count('unpriced_tokens'),
  };
}

/** Within what a number holds exactly. */
const exact = (units: bigint): number =>
  Math.min(Number.MAX_SAFE_INTEGER, Math.max(-Number.MAX_SAFE_INTEGER, Number(units)));
