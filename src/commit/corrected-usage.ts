import {
  awaitHistory,
  type ChangedRow,
  correct,
  wasRolled,
  wasRolledOnWorker,
} from '../rollup/corrections.ts';
import { usageShape } from '../rollup/shapes.ts';
import type { Trx } from '../rollup/state.ts';

/** For whoever changes stored usage records, but not what series they are of. */
export const correctedUsage = {
  /** To be called first. */
  begin: (trx: Trx) => awaitHistory(trx, usageShape),
  /** Of a row of this table or query, before it is changed. */
  wasRolled: (row: string, onWorkers: boolean) =>
    onWorkers ? wasRolledOnWorker(row) : wasRolled(usageShape, row),
  /** Has what is rolled up follow, in the same transaction. */
  correct: (trx: Trx, changed: readonly ChangedRow[]) => correct(trx, usageShape, changed),
};
