import type { CollectorProcess } from '../../test/support/process.ts';
import { type Bench, type Case, startCollector } from '../support/bench.ts';
import { residentBytes } from '../support/cpu.ts';
import { measureLoad, startStream } from '../support/measure.ts';
import { median } from '../support/statistics.ts';

const batchSizes = [1000, 10];
const sampleEveryMs = 50;
const megabyte = 1e6;

/** What a collector takes of the machine under a steady load: one that has done nothing else. */
export const cost: Case = {
  name: 'cost',
  title: 'A collector of its own at a steady rate of events',
  open: async (bench) => {
    const collector = await startCollector(bench.root, bench.postgres.url);
    const rate = bench.sizes.steadyRate.toLocaleString('en');
    return {
      contestants: batchSizes.map((batchRows) => ({
        name: `${rate} events/s in batches of ${batchRows.toLocaleString('en')}`,
        measure: () => measureCost(bench, collector, batchRows),
      })),
      close: collector.close,
    };
  },
};

async function measureCost(bench: Bench, { process, port }: CollectorProcess, batchRows: number) {
  const batchesPerSecond = bench.sizes.steadyRate / batchRows;
  const batches = Math.ceil(batchesPerSecond * bench.sizes.seconds);
  const shape = { connections: 1, batchRows, batches, batchesPerSecond };
  const load = await startStream(bench, shape, port);
  const pid = process.pid as number;
  const resident: number[] = [];
  const timer = setInterval(() => resident.push(residentBytes(pid)), sampleEveryMs);
  const sample = await measureLoad(bench, pid, load, (result) => ({
    ack_p50_ms: result.p50_ms,
    ack_p99_ms: result.p99_ms,
  }));
  clearInterval(timer);
  return {
    ...sample,
    figures: {
      collector_cpu_percent: (100 * (sample.cpuSeconds.collector as number)) / sample.seconds,
      resident_median_mb: median(resident) / megabyte,
      resident_max_mb: Math.max(...resident) / megabyte,
      ...sample.figures,
    },
  };
}
