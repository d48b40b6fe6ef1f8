import { setTimeout as sleep } from 'node:timers/promises';
import type { Bench, Case, Sample } from '../support/bench.ts';
import { childrenOf } from '../support/cpu.ts';
import { measureLoad, startHttp, startStream, whileMeasuring } from '../support/measure.ts';

const dashboardConnections = 2;
const queries = [
  '/v1/telemetry/events?limit=100&component=L1&event_type=VRAM_CHECK',
  '/v1/telemetry/stats?hours=24',
  '/v1/telemetry/stats?hours=1&component=gpt-4o-mini',
  '/v1/telemetry/trends',
  '/v1/telemetry/usage/summary?hours=24',
  '/v1/telemetry/footprint',
];
const stalledStream = { connections: 4, batchRows: 100 };
const stalledPosts = { connections: 64, requestsPerSecond: 200 };

/** Ingest beside dashboards, and through a database that stands still. */
export const mixed: Case = {
  name: 'mixed',
  title: 'Ingest beside other things',
  open: async (bench) => ({
    contestants: [
      { name: 'stream 8 × 1,000, flat out, beside dashboards', measure: () => beside(bench) },
      {
        name: `stream and posts, PostgreSQL stopped for ${bench.sizes.stallSeconds} s`,
        measure: () => stalled(bench),
      },
    ],
  }),
};

/** Two dashboards ask one thing after another while the table grows. */
async function beside(bench: Bench): Promise<Sample> {
  const { rows, seconds } = bench.sizes;
  const batchRows = 1000;
  const load = await startStream(bench, {
    connections: 8,
    batchRows,
    batches: Math.ceil(rows / batchRows),
  });
  const shape = { connections: dashboardConnections, seconds, queries };
  const dashboards = await startHttp(bench, shape);
  const asked = dashboards.go();
  const pid = bench.collector.process.pid as number;
  const sample = await measureLoad(bench, pid, load, (result) => ({
    ack_p99_ms: result.p99_ms,
    batches_spooled: result.batchesSpooled,
  }));
  const answered = await asked;
  if (Object.keys(answered.statuses).some((status) => status !== '200')) {
    throw new Error(`dashboards were answered ${JSON.stringify(answered.statuses)}`);
  }
  return {
    ...sample,
    figures: {
      ...sample.figures,
      queries_per_second: answered.rows / answered.seconds,
      query_p50_ms: answered.p50_ms,
      query_p99_ms: answered.p99_ms,
    },
  };
}

/** What is acknowledged meanwhile is in the spool, and must be in the table in the end. */
async function stalled(bench: Bench): Promise<Sample> {
  const { stallSeconds, steadyRate } = bench.sizes;
  const seconds = 2 * stallSeconds;
  const batchesPerSecond = steadyRate / 2 / stalledStream.batchRows;
  const batches = Math.ceil(batchesPerSecond * seconds);
  const stream = await startStream(bench, { ...stalledStream, batches, batchesPerSecond });
  const posts = await startHttp(bench, { ...stalledPosts, seconds });
  const pid = bench.collector.process.pid as number;
  const measured = await whileMeasuring(bench, pid, async () => {
    const [streamed, posted] = await Promise.all([
      stream.go(),
      posts.go(),
      stall(bench, stallSeconds),
    ]);
    const acknowledged = streamed.rows + posted.rows;
    await bench.postgres.untilRows(acknowledged);
    return { streamed, posted, acknowledged };
  });
  const { streamed, posted, acknowledged } = measured.result;
  return {
    rows: acknowledged,
    seconds: measured.seconds,
    cpuSeconds: { client: streamed.cpuSeconds + posted.cpuSeconds, ...measured.cpu },
    figures: {
      ack_p50_ms: streamed.p50_ms,
      ack_p99_ms: streamed.p99_ms,
      ack_max_ms: streamed.max_ms,
      post_p50_ms: posted.p50_ms,
      post_p99_ms: posted.p99_ms,
      post_max_ms: posted.max_ms,
      batches_spooled: streamed.batchesSpooled,
      refusals: streamed.refusals + (posted.statuses['503'] ?? 0),
      rows_lost: acknowledged - (await bench.postgres.count()),
    },
  };
}

/** Every process of PostgreSQL stands still for a while. */
async function stall({ postgres }: Bench, seconds: number): Promise<void> {
  await sleep((seconds * 1000) / 3);
  const pids = [postgres.pid, ...childrenOf(postgres.pid)];
  for (const pid of pids) process.kill(pid, 'SIGSTOP');
  await sleep(seconds * 1000);
  for (const pid of pids) process.kill(pid, 'SIGCONT');
}
