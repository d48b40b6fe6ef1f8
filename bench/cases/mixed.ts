import type { StreamResult } from '../load/stream.ts';
import type { Bench, Case, Sample } from '../support/bench.ts';
import { measureLoad, startHttp, startStream } from '../support/measure.ts';
import { halfOfMost } from './latency.ts';
import { measureStream } from './stream.ts';

const streamShape = { connections: 8, batchRows: 1000 };
const dashboards = {
  connections: 2,
  queries: [
    '/v1/telemetry/events?limit=100&component=L1&event_type=VRAM_CHECK',
    '/v1/telemetry/stats?hours=24',
    '/v1/telemetry/stats?hours=1&component=gpt-4o-mini',
    '/v1/telemetry/trends',
    '/v1/telemetry/usage/summary?hours=24',
    '/v1/telemetry/footprint',
  ],
};

/** Ingest beside dashboards, into tables that hold rows already. */
export const mixed: Case = {
  name: 'mixed',
  title: 'gRPC StreamBatches, 8 × 1,000, beside two dashboards',
  open: async (bench) => {
    await bench.postgres.reset();
    await measureStream(bench);
    const before = await bench.postgres.copyOut(1);
    return {
      contestants: [
        { name: 'flat out', measure: () => measureBeside(bench, before) },
        {
          name: 'at half of the most',
          measure: async () => measureBeside(bench, before, await halfOfMost(bench)),
        },
      ],
    };
  },
};

/** The dashboards ask one thing after another while the table grows. */
async function measureBeside(
  bench: Bench,
  before: readonly string[],
  rowsPerSecond?: number,
): Promise<Sample> {
  const { rows, seconds } = bench.sizes;
  await bench.postgres.copyIn(before);
  await bench.postgres.analyze();
  const rowsBefore = await bench.postgres.count();
  const batches =
    (rowsPerSecond === undefined ? rows : rowsPerSecond * seconds) / streamShape.batchRows;
  const load = await startStream(bench, {
    ...streamShape,
    batches: Math.ceil(batches),
    ...(rowsPerSecond && { batchesPerSecond: rowsPerSecond / streamShape.batchRows }),
  });
  const queries = await startHttp(bench, { ...dashboards, seconds });
  const answered = queries.go();
  const pid = bench.collector.process.pid as number;
  const figures = (result: StreamResult) => ({
    ack_p50_ms: result.p50_ms,
    ack_p99_ms: result.p99_ms,
    batches_spooled: result.batchesSpooled,
  });
  const sample = await measureLoad(bench, pid, load, figures, { rowsBefore });
  const { statuses, rows: answers, seconds: asked, p50_ms, p99_ms } = await answered;
  if (Object.keys(statuses).some((status) => status !== '200')) {
    throw new Error(`dashboards were answered ${JSON.stringify(statuses)}`);
  }
  return {
    ...sample,
    figures: {
      ...sample.figures,
      queries_per_s: answers / asked,
      query_p50_ms: p50_ms,
      query_p99_ms: p99_ms,
    },
  };
}
