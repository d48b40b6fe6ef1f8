import type { Pricer } from '../prices/pricer.ts';
import type { FreshRows } from '../rollup/fresh-rows.ts';

/** What is kept in step with stored rows, in the transactions that write them. */
export interface Bookkeeping {
  /** What is rolled up. */
  readonly fresh: FreshRows;
  /** What calls cost that several records tell of. */
  readonly pricer?: Pricer;
}
