import type { Bench, Case } from '../support/bench.ts';
import { measureLoad, startHttp } from '../support/measure.ts';

const connectionCounts = [1, 64, 256];

/** Durable posts, each connection sending its next one when the last is answered. */
export const unary: Case = {
  name: 'unary',
  title: 'POST /v1/telemetry/log, durable, flat out',
  open: async (bench) => ({
    contestants: connectionCounts.map((connections) => ({
      name: connections === 1 ? '1 connection' : `${connections} connections`,
      measure: () => measurePosts(bench, connections),
    })),
  }),
};

async function measurePosts(bench: Bench, connections: number) {
  const load = await startHttp(bench, { connections, seconds: bench.sizes.seconds });
  const pid = bench.collector.process.pid as number;
  return await measureLoad(bench, pid, load, ({ p50_ms, p99_ms, p999_ms, refusals }) => ({
    p50_ms,
    p99_ms,
    p999_ms,
    refusals,
  }));
}

export const warmUpPosts = (bench: Bench) => measurePosts(bench, 64);
