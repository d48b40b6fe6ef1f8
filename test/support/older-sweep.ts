import { sql } from 'kysely';
import { writeFresh } from '../../src/rollup/pack-sql.ts';
import { usageShape } from '../../src/rollup/shapes.ts';
import { createMissing } from '../../src/rollup/sweep.ts';
import type { rollupWork } from './rollup-work.ts';

/** Claims usage as a collector did that knew nothing of older names. */
export async function olderSweep(work: ReturnType<typeof rollupWork>): Promise<void> {
  const usage = work.series.find(({ shape }) => shape === usageShape);
  if (!usage) throw new Error('no series of usage');
  const others = sql`rolled is false`;
  await createMissing(work.db, usage, sql.table('usage_stats'), others);
  await work.writer.transaction(
    async (trx) =>
      await sql`
      with source as (update usage_stats set rolled = true where ${others} returning *)
      ${writeFresh(usageShape)}`.execute(trx),
  );
}
