import { type Load, type Outcome, startLoad } from '../load/child.ts';
import type { HttpOptions, HttpResult } from '../load/http.ts';
import type { StreamOptions, StreamResult } from '../load/stream.ts';
import type { Bench, Sample } from './bench.ts';
import { cpuSeconds, cpuSecondsOfTree } from './cpu.ts';

/** Measures what the server processes spend while something is done. */
export async function whileMeasuring<T>(
  { postgres }: Bench,
  collectorPid: number | undefined,
  work: () => Promise<T>,
): Promise<{ result: T; seconds: number; cpu: { collector?: number; postgres: number } }> {
  const read = () => ({
    ...(collectorPid !== undefined && { collector: cpuSeconds(collectorPid) }),
    postgres: cpuSecondsOfTree(postgres.pid),
  });
  const before = read();
  const startMs = performance.now();
  const result = await work();
  const seconds = (performance.now() - startMs) / 1000;
  const after = read();
  return {
    result,
    seconds,
    cpu: {
      ...(after.collector !== undefined && {
        collector: after.collector - (before.collector as number),
      }),
      postgres: after.postgres - before.postgres,
    },
  };
}

type StreamShape = Omit<StreamOptions, 'port' | 'seed'>;
type HttpShape = Omit<HttpOptions, 'port' | 'seed'>;

export const startStream = (bench: Bench, shape: StreamShape, port = bench.collector.port) =>
  startLoad<StreamResult>('stream.ts', { ...shape, port, seed: bench.seed });

export const startHttp = (bench: Bench, shape: HttpShape, port = bench.collector.port) =>
  startLoad<HttpResult>('http.ts', { ...shape, port, seed: bench.seed });

export interface LoadResult {
  readonly rows: number;
  readonly seconds: number;
}

/** Runs a load that is ready, until all that was acknowledged is in the table. */
export async function measureLoad<Result extends LoadResult>(
  bench: Bench,
  collectorPid: number,
  load: Load<Result>,
  figures: (result: Outcome<Result>) => Sample['figures'],
  rowsBefore = 0,
): Promise<Sample> {
  const { result, seconds, cpu } = await whileMeasuring(bench, collectorPid, () => load.go());
  const waitedMs = performance.now();
  const late = (await bench.postgres.count()) < rowsBefore + result.rows;
  await bench.postgres.untilRows(rowsBefore + result.rows);
  // Acknowledged by the spool: the rows came later, and that is the time that counts.
  const drainSeconds = late ? (performance.now() - waitedMs) / 1000 + seconds - result.seconds : 0;
  return {
    rows: result.rows,
    seconds: result.seconds + drainSeconds,
    cpuSeconds: { client: result.cpuSeconds, ...cpu },
    figures: figures(result),
  };
}
