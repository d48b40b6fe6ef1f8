import type { Case } from '../support/bench.ts';
import { measureLoad, startStream } from '../support/measure.ts';

const components = 10_000;
const [connections, batchRows] = [8, 1000];

/** A stream whose events are of so many series that hardly two of a batch are of the same. */
export const manyComponents: Case = {
  name: 'components',
  title: `gRPC StreamBatches, flat out, of ${components.toLocaleString('en')} components`,
  open: async (bench) => ({
    contestants: [
      {
        name: `${connections} × ${batchRows.toLocaleString('en')}`,
        measure: async () => {
          const batches = Math.ceil(bench.sizes.rows / batchRows);
          const shape = { connections, batchRows, batches, components };
          const load = await startStream(bench, shape);
          const pid = bench.collector.process.pid as number;
          return await measureLoad(bench, pid, load, ({ p99_ms, retries }) => ({
            ack_p99_ms: p99_ms,
            retries,
          }));
        },
      },
    ],
  }),
};
