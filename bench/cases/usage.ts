import type { Bench, Case } from '../support/bench.ts';
import { measureLoad, startHttp, startStream } from '../support/measure.ts';
import { type UsageShape, usageShapes } from '../support/usage.ts';

const connections = { posts: 64, stream: 8 };
const batchRows = 1000;
/** Where they go. */
const table = 'usage_stats';

/** Usage records as posts of one and as streams: what prices and claims cost of either. */
export const usage: Case = {
  name: 'usage',
  title: 'Usage records, durable, flat out: without prices and claims, with prices, with both',
  open: async (bench) => ({
    contestants: usageShapes.flatMap((shape) => [
      { name: `posts, ${shape}`, measure: () => measurePosts(bench, shape) },
      { name: `stream, ${shape}`, measure: () => measureBatches(bench, shape) },
    ]),
  }),
};

async function measurePosts(bench: Bench, shape: UsageShape) {
  const { seconds } = bench.sizes;
  const load = await startHttp(bench, { connections: connections.posts, seconds, usage: shape });
  const pid = bench.collector.process.pid as number;
  return await measureLoad(bench, pid, load, ({ p99_ms }) => ({ p99_ms }), { table });
}

async function measureBatches(bench: Bench, shape: UsageShape) {
  const batches = Math.ceil(bench.sizes.rows / 2 / batchRows);
  const options = { connections: connections.stream, batchRows, batches, usage: shape };
  const load = await startStream(bench, options);
  const pid = bench.collector.process.pid as number;
  return await measureLoad(bench, pid, load, ({ retries }) => ({ retries }), { table });
}
