import type { Bench, Case, Sample } from '../support/bench.ts';
import { measureLoad, startStream } from '../support/measure.ts';

const connectionCounts = [1, 8];
const batchSizes = [10, 100, 1000];
/** The contestant whose rate counts as the most that the collector takes. */
const most = { connections: 8, batchRows: 1000 };

/** gRPC StreamBatches as fast as it goes, until the last batch is acknowledged. */
export const stream: Case = {
  name: 'stream',
  title: 'gRPC StreamBatches, flat out: connections × events a batch',
  open: async (bench) => ({
    contestants: connectionCounts.flatMap((connections) =>
      batchSizes.map((batchRows) => ({
        name: `${connections} × ${batchRows.toLocaleString('en')}`,
        measure: () => measureStream(bench, connections, batchRows),
      })),
    ),
  }),
};

/** As many rows as the raw loads have. */
export async function measureStream(
  bench: Bench,
  connections = most.connections,
  batchRows = most.batchRows,
): Promise<Sample> {
  const batches = Math.ceil(bench.sizes.rows / batchRows);
  const load = await startStream(bench, { connections, batchRows, batches });
  const pid = bench.collector.process.pid as number;
  const sample = await measureLoad(bench, pid, load, (result) => ({
    ack_p50_ms: result.p50_ms,
    ack_p99_ms: result.p99_ms,
    batches_spooled: result.batchesSpooled,
    retries: result.retries,
  }));
  if (connections === most.connections && batchRows === most.batchRows) {
    bench.streamRates.push(sample.rows / sample.seconds);
  }
  return sample;
}
