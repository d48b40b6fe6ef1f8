import type pg from 'pg';
import type { RollupWriter } from '../rollup/state.ts';
import { copyRows } from './copy.ts';
import { Writer } from './writer.ts';

/** Transactions in which rollups are copied, on the connections of a pool. */
export function createRollupWriter(pool: pg.Pool): RollupWriter {
  const writer = new Writer(pool);
  return {
    transaction: (work) =>
      writer.transaction((trx, client) => work(trx, (loads) => copyRows(client, loads))),
  };
}
