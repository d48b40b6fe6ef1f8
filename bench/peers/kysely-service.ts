import { startLoad } from '../load/child.ts';
import type { KyselyOptions } from '../load/kysely.ts';
import type { Bench, Contestant } from '../support/bench.ts';
import { type LoadResult, whileMeasuring } from '../support/measure.ts';

/** Rows of an insert, and the part of the run's rows that takes a few seconds. */
const shapes = [
  { rowsPerInsert: 1, share: 0.01 },
  { rowsPerInsert: 100, share: 0.25 },
  { rowsPerInsert: 1000, share: 0.25 },
];
const connections = 4;

/** Kysely straight from a service: its processor time is the client's. */
export function kyselyServices(bench: Bench): Contestant[] {
  return shapes.map((shape) => {
    const rows = shape.rowsPerInsert.toLocaleString('en');
    return {
      name: `Kysely, ${rows} ${rows === '1' ? 'row' : 'rows'} an insert, ${connections} connections`,
      measure: () => measureInserts(bench, shape),
    };
  });
}

async function measureInserts(bench: Bench, { rowsPerInsert, share }: (typeof shapes)[number]) {
  const { postgres, sizes, seed } = bench;
  const rows = Math.ceil(share * sizes.rows);
  const { connection } = postgres;
  const options: KyselyOptions = { connection, connections, rows, rowsPerInsert, seed };
  const load = await startLoad<LoadResult>('kysely.ts', options, bench.signal);
  const { result, cpu } = await whileMeasuring(bench, undefined, () => load.go());
  await postgres.untilRows(rows);
  const { seconds, cpuSeconds } = result;
  return { rows, seconds, cpuSeconds: { client: cpuSeconds, postgres: cpu.postgres }, figures: {} };
}
