import { startLoad } from '../load/child.ts';
import type { KyselyOptions } from '../load/kysely.ts';
import type { Bench, Contestant } from '../support/bench.ts';
import { type LoadResult, whileMeasuring } from '../support/measure.ts';

const rowsPerInsert = [1, 100, 1000];
const connections = 4;

/** Kysely straight from a service: its processor time is the client's. */
export function kyselyServices(bench: Bench): Contestant[] {
  return rowsPerInsert.map((rows) => ({
    name: `Kysely, ${rows.toLocaleString('en')} ${rows === 1 ? 'row' : 'rows'} an insert, ${connections} connections`,
    measure: () => measureInserts(bench, rows),
  }));
}

async function measureInserts({ postgres, sizes, seed, ...rest }: Bench, rowsPerInsert: number) {
  const rows = rowsPerInsert === 1 ? Math.ceil(sizes.slowRows / 10) : sizes.slowRows;
  const { connection } = postgres;
  const options: KyselyOptions = { connection, connections, rows, rowsPerInsert, seed };
  const load = await startLoad<LoadResult>('kysely.ts', options);
  const bench = { postgres, sizes, seed, ...rest };
  const { result, cpu } = await whileMeasuring(bench, undefined, () => load.go());
  await postgres.untilRows(rows);
  const { seconds, cpuSeconds } = result;
  return { rows, seconds, cpuSeconds: { client: cpuSeconds, ...cpu }, figures: {} };
}
