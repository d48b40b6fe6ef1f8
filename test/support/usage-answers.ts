import type { Kysely } from 'kysely';
import { isDistributed } from '../../src/database/cluster/layout.ts';
import type { Database } from '../../src/database/schema.ts';
import { readGroupBy } from '../../src/query/ask/dimensions.ts';
import { usageFilter } from '../../src/query/ask/filters.ts';
import { addedOnWorkers } from '../../src/query/totals/on-workers.ts';
import type { Parts, Question } from '../../src/query/totals/parts.ts';
import type { Totals } from '../../src/query/totals/places.ts';
import { quantilesOf } from '../../src/query/totals/quantiles-of.ts';
import { readTotals } from '../../src/query/totals/read-totals.ts';
import { rollupParts } from '../../src/query/totals/rollup-parts.ts';
import { rowParts } from '../../src/query/totals/row-parts.ts';
import { usageMeasures } from '../../src/query/totals/usage-measures.ts';
import { KnownWaiting } from '../../src/rollup/known-waiting.ts';
import { noCells } from '../../src/rollup/sketch-cells.ts';

export interface UsageAsked {
  readonly hours: number;
  /** Empty for all. */
  readonly model: string;
  /** Empty for all. */
  readonly layer: string;
}

/** Usage by model and layer as rollups answer, and as the rows do; sums of doubles but for their end. */
export async function usageAnswers(db: Kysely<Database>, { hours, model, layer }: UsageAsked) {
  const nowUs = Date.now() * 1000;
  const question: Question = {
    kind: 'usage',
    span: { startUs: nowUs - hours * 3_600_000_000, endUs: undefined },
    filter: usageFilter(undefined, { model, layer }),
    groupBy: readGroupBy('usage', ['model', 'layer']),
    bordersUs: undefined,
    measured: usageMeasures,
    rolledValue: true,
    quantiles: true,
  };
  return await db
    .transaction()
    .setIsolationLevel('repeatable read')
    .execute(async (trx) => {
      const answer = async (parts: Parts) => {
        const names = {
          groups: [
            ['m', 'L2'],
            [null, 'L0'],
            ['other', null],
            ['m1', 'L0'],
          ],
          areSome: true,
        };
        const added = await readTotals(trx, question, parts, names);
        if (!added) throw new Error('something of usage is unknown');
        const { total, groups } = added;
        return { total: shown(total), groups: groups.map(({ totals }) => shown(totals)) };
      };
      const onWorkers = await isDistributed(trx, 'usage_stats');
      const parts = await rollupParts({ trx, waiting: new KnownWaiting() }, question, onWorkers);
      const rolled = typeof parts === 'string' ? parts : await answer(parts);
      const rows = rowParts(question);
      const raw = await answer(onWorkers ? await addedOnWorkers(trx, question, rows) : rows);
      return { parts, rolled, raw };
    });
}

function shown({ sums, cells }: Totals) {
  // A sum of nothing may be 0.
  const rounded = Object.entries(sums).map(([name, sum]) => [
    name,
    /_(min|max)$/.test(name)
      ? sum
      : Number((sum ?? 0).toPrecision(name.endsWith('_sum') || name === 'cost_usd' ? 12 : 17)),
  ]);
  const [min = null, max = null] = [sums.duration_min, sums.duration_max];
  return {
    ...Object.fromEntries(rounded),
    quantiles: quantilesOf(cells[0] ?? noCells, min, max, [0.5, 0.95]),
  };
}
