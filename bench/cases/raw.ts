import type { Bench, Case, Contestant, Sample } from '../support/bench.ts';
import { whileMeasuring } from '../support/measure.ts';
import { measureStream } from './stream.ts';

const backendCounts = [1, 2, 4];

/** The machine's own limit: the server reads the rows that a stream has stored from files. */
export const raw: Case = {
  name: 'raw',
  title: 'Server-side COPY binary from files, without a ledger',
  open: async (bench) => {
    await bench.postgres.reset();
    await measureStream(bench);
    const contestants: Contestant[] = [];
    for (const backends of backendCounts) {
      const files = await bench.postgres.copyOut(backends);
      contestants.push({
        name: backends === 1 ? '1 backend' : `${backends} backends`,
        measure: () => measureCopy(bench, files),
      });
    }
    return { contestants };
  },
};

export async function measureCopy(bench: Bench, files: readonly string[]): Promise<Sample> {
  const { seconds, cpu } = await whileMeasuring(bench, undefined, () =>
    bench.postgres.copyIn(files),
  );
  const rows = await bench.postgres.count();
  await bench.postgres.untilRows(bench.sizes.rows);
  return { rows, seconds, cpuSeconds: { postgres: cpu.postgres }, figures: {} };
}
