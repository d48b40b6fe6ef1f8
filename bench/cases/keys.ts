import { type Bench, type Case, startCollector } from '../support/bench.ts';
import { measureLoad, startStream } from '../support/measure.ts';

const token = 'a-streaming-key-of-the-bench';
/** More than any machine takes, so that all is counted and nothing refused. */
const quota = 1_000_000_000;
const batchSizes = [1000, 10];
const connections = 8;

/** What a key with a quota costs what is streamed with it: the same streams with it and without. */
export const keys: Case = {
  name: 'keys',
  title: 'gRPC StreamBatches, flat out, 8 connections, with and without a key',
  open: async (bench) => {
    const collector = await startCollector(bench.root, bench.postgres.url, {
      TELEMETRY_API_KEYS: `streams ingest ${token} records_per_second=${quota}`,
      TELEMETRY_ANONYMOUS_SCOPES: 'ingest',
    });
    const pid = collector.process.pid as number;
    const contestants = batchSizes.flatMap((batchRows) =>
      [undefined, token].map((key) => ({
        name: `${batchRows.toLocaleString('en')} a batch, ${key ? 'with' : 'without'} a key`,
        measure: () => measureStreams(bench, collector.port, pid, batchRows, key),
      })),
    );
    return { contestants, close: collector.close };
  },
};

async function measureStreams(
  bench: Bench,
  port: number,
  pid: number,
  batchRows: number,
  key: string | undefined,
) {
  const batches = Math.ceil(bench.sizes.rows / batchRows);
  const shape = { connections, batchRows, batches, ...(key && { token: key }) };
  const load = await startStream(bench, shape, port);
  return await measureLoad(bench, pid, load, ({ p99_ms, retries }) => ({
    ack_p99_ms: p99_ms,
    retries,
  }));
}
