import type { Case } from '../support/bench.ts';
import { measureLoad, startHttp } from '../support/measure.ts';

const connectionCounts = [1, 8, 64];
const eventsPerPost = 1000;

/** Batches of JSON, each connection sending its next one when the last is answered. */
export const bulk: Case = {
  name: 'bulk',
  title: 'POST /v1/telemetry/batch, 1,000 events of JSON each, flat out',
  open: async (bench) => ({
    contestants: connectionCounts.map((connections) => ({
      name: connections === 1 ? '1 connection' : `${connections} connections`,
      measure: async () => {
        const shape = { connections, eventsPerPost, seconds: bench.sizes.seconds };
        const load = await startHttp(bench, shape);
        const pid = bench.collector.process.pid as number;
        return await measureLoad(bench, pid, load, ({ p50_ms, p99_ms, max_ms, refusals }) => ({
          p50_ms,
          p99_ms,
          max_ms,
          refusals,
        }));
      },
    })),
  }),
};
