import { type Bench, type Case, type Sample, startCollector } from '../support/bench.ts';
import { startHttp, whileMeasuring } from '../support/measure.ts';

const [quietKey, greedyKey] = ['a-quiet-key-of-the-bench', 'a-greedy-key-of-the-bench'];
const quietShape = { connections: 8, requestsPerSecond: 100, token: quietKey };
const eventsPerPost = 100;
/** Records a second that the greedy key may send; it sends ten times as many. */
const quota = 1000;
const greedyShape = {
  connections: 256,
  requestsPerSecond: (10 * quota) / eventsPerPost,
  eventsPerPost,
  token: greedyKey,
};

/** What a key feels of another one that wants ten times its quota. */
export const fairness: Case = {
  name: 'fairness',
  title: 'Posts with a key, beside a key that sends ten times its quota',
  open: async (bench) => {
    const keys = `quiet ingest ${quietKey}; greedy ingest ${greedyKey} records_per_second=${quota}`;
    const collector = await startCollector(undefined, bench.postgres.url, {
      TELEMETRY_API_KEYS: keys,
    });
    return {
      contestants: [
        { name: 'alone', measure: () => measureQuiet(bench, collector, false) },
        { name: 'beside it', measure: () => measureQuiet(bench, collector, true) },
      ],
      close: () => collector.close(),
    };
  },
};

type Served = Awaited<ReturnType<typeof startCollector>>;

/** `greedyToo`: whether the other key wants its part at the same time. */
async function measureQuiet(
  bench: Bench,
  { port, process }: Served,
  greedyToo: boolean,
): Promise<Sample> {
  const { seconds } = bench.sizes;
  const load = await startHttp(bench, { ...quietShape, seconds }, port);
  const other = greedyToo && (await startHttp(bench, { ...greedyShape, seconds }, port));
  const measured = await whileMeasuring(bench, process.pid as number, async () => {
    const [quiet, greedy] = await Promise.all([load.go(), other ? other.go() : nothing]);
    const unsure = quiet.refusedRows + greedy.refusedRows;
    await bench.postgres.untilRows(quiet.rows + greedy.rows, { unsure });
    return { quiet, greedy };
  });
  const { quiet, greedy } = measured.result;
  return {
    rows: quiet.rows + greedy.rows,
    seconds: measured.seconds,
    cpuSeconds: { client: quiet.cpuSeconds + greedy.cpuSeconds, ...measured.cpu },
    figures: {
      p50_ms: quiet.p50_ms,
      p99_ms: quiet.p99_ms,
      max_ms: quiet.max_ms,
      refusals: quiet.refusals,
      ...(greedyToo && {
        greedy_rows_per_s: greedy.rows / seconds,
        greedy_rows_refused: greedy.refusedRows,
      }),
    },
  };
}

const nothing = { rows: 0, refusedRows: 0, cpuSeconds: 0 };
