import type { Bench, Case } from '../support/bench.ts';
import { measureLoad, startHttp, startStream } from '../support/measure.ts';
import { median } from '../support/statistics.ts';
import { measureStream } from './stream.ts';

const halfLoad = { connections: 8, batchRows: 1000 };
const idlePostsPerSecond = 20;

/** How long an acknowledgement takes where the collector is not at its limit. */
export const latency: Case = {
  name: 'latency',
  title: 'Time to the durable acknowledgement, from when the batch or post was due',
  open: async (bench) => ({
    contestants: [
      { name: 'stream at half of the most, 8 × 1,000', measure: () => measureHalfLoad(bench) },
      { name: `${idlePostsPerSecond} single posts a second`, measure: () => measureIdle(bench) },
    ],
  }),
};

/** Rows a second, of the rates that this run has seen so far. */
export async function halfOfMost(bench: Bench): Promise<number> {
  if (bench.streamRates.length === 0) {
    await measureStream(bench);
    await bench.postgres.reset();
  }
  return median(bench.streamRates) / 2;
}

async function measureHalfLoad(bench: Bench) {
  const batchesPerSecond = (await halfOfMost(bench)) / halfLoad.batchRows;
  const batches = Math.ceil(batchesPerSecond * bench.sizes.seconds);
  const load = await startStream(bench, { ...halfLoad, batches, batchesPerSecond });
  return await measureLoad(
    bench,
    bench.collector.process.pid as number,
    load,
    ({ p50_ms, p99_ms, p999_ms, max_ms, batchesSpooled }) => ({
      p50_ms,
      p99_ms,
      p999_ms,
      max_ms,
      batches_spooled: batchesSpooled,
    }),
  );
}

async function measureIdle(bench: Bench) {
  const { seconds } = bench.sizes;
  const load = await startHttp(bench, {
    connections: 1,
    seconds,
    requestsPerSecond: idlePostsPerSecond,
  });
  return await measureLoad(
    bench,
    bench.collector.process.pid as number,
    load,
    ({ p50_ms, p99_ms, max_ms }) => ({ p50_ms, p99_ms, max_ms }),
  );
}
