import { setTimeout as sleep } from 'node:timers/promises';
import type { Bench, Case, Sample } from '../support/bench.ts';
import { childrenOf } from '../support/cpu.ts';
import { startHttp, startStream, whileMeasuring } from '../support/measure.ts';

const streamShape = { connections: 4, batchRows: 100 };
const postShape = { connections: 64, requestsPerSecond: 200 };

/** Ingest through a database that stands still for a while. */
export const stalled: Case = {
  name: 'stalled',
  title: 'A steady stream and posts while PostgreSQL stands still',
  open: async (bench) => ({
    contestants: [
      {
        name: `stopped for ${bench.sizes.stallSeconds} s`,
        measure: () => measureStalled(bench),
      },
    ],
  }),
};

/** What is acknowledged meanwhile is in the spool, and must be in the table in the end. */
async function measureStalled(bench: Bench): Promise<Sample> {
  const { stallSeconds, steadyRate } = bench.sizes;
  const seconds = 2 * stallSeconds;
  const batchesPerSecond = steadyRate / 2 / streamShape.batchRows;
  const batches = Math.ceil(batchesPerSecond * seconds);
  const stream = await startStream(bench, { ...streamShape, batches, batchesPerSecond });
  const posts = await startHttp(bench, { ...postShape, seconds });
  const pid = bench.collector.process.pid as number;
  const measured = await whileMeasuring(bench, pid, async () => {
    const [streamed, posted] = await Promise.all([
      stream.go(),
      posts.go(),
      stall(bench, stallSeconds),
    ]);
    await bench.postgres.untilRows(streamed.rows + posted.rows, { unsure: posted.refusedRows });
    return { streamed, posted };
  });
  const { streamed, posted } = measured.result;
  return {
    rows: streamed.rows + posted.rows,
    seconds: measured.seconds,
    cpuSeconds: { client: streamed.cpuSeconds + posted.cpuSeconds, ...measured.cpu },
    figures: {
      batches_spooled: streamed.batchesSpooled,
      retries: streamed.retries,
      refusals: posted.refusals,
      stream_p50_ms: streamed.p50_ms,
      stream_p99_ms: streamed.p99_ms,
      stream_max_ms: streamed.max_ms,
      post_p50_ms: posted.p50_ms,
      post_p99_ms: posted.p99_ms,
      post_max_ms: posted.max_ms,
    },
  };
}

/** Every process of PostgreSQL stands still for a while. */
async function stall({ postgres }: Bench, seconds: number): Promise<void> {
  await sleep((seconds * 1000) / 3);
  const pids = postgres.pids.flatMap((pid) => [pid, ...childrenOf(pid)]);
  for (const pid of pids) process.kill(pid, 'SIGSTOP');
  await sleep(seconds * 1000);
  for (const pid of pids) process.kill(pid, 'SIGCONT');
}
