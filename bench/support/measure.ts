import { type Load, type Outcome, startLoad } from '../load/child.ts';
import type { HttpOptions, HttpResult } from '../load/http.ts';
import type { StreamOptions, StreamResult } from '../load/stream.ts';
import type { Bench, Sample } from './bench.ts';
import { cpuSeconds, cpuSecondsOfTree } from './cpu.ts';

interface Measured<T> {
  readonly result: T;
  readonly seconds: number;
  readonly cpu: { readonly collector: number; readonly postgres: number };
}

/** Measures what the server processes spend while something is done. */
export async function whileMeasuring<T>(
  { postgres }: Bench,
  collectorPids: number | readonly number[] | undefined,
  work: () => Promise<T>,
): Promise<Measured<T>> {
  const read = () => ({
    collector: [collectorPids ?? []].flat().reduce((sum, pid) => sum + cpuSeconds(pid), 0),
    postgres: postgres.pids.reduce((sum, pid) => sum + cpuSecondsOfTree(pid), 0),
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
      collector: after.collector - before.collector,
      postgres: after.postgres - before.postgres,
    },
  };
}

type StreamShape = Omit<StreamOptions, 'port' | 'seed'>;
type HttpShape = Omit<HttpOptions, 'port' | 'seed'>;

export const startStream = (bench: Bench, shape: StreamShape, port = bench.collector.port) =>
  startLoad<StreamResult>('stream.ts', { ...shape, port, seed: bench.seed }, bench.signal);

export const startHttp = (bench: Bench, shape: HttpShape, port = bench.collector.port) =>
  startLoad<HttpResult>('http.ts', { ...shape, port, seed: bench.seed }, bench.signal);

export interface LoadResult {
  readonly rows: number;
  readonly seconds: number;
  /** Events that were refused: nobody knows of them whether they are stored. */
  readonly refusedRows?: number;
}

/** Runs a load that is ready, until all that was acknowledged is in the table. */
export async function measureLoad<Result extends LoadResult>(
  bench: Bench,
  collectorPids: number | readonly number[],
  load: Load<Result>,
  figures: (result: Outcome<Result>) => Sample['figures'],
  { rowsBefore = 0, table = 'system_telemetry' } = {},
): Promise<Sample> {
  const loaded = await whileMeasuring(bench, collectorPids, () => load.go());
  const { result } = loaded;
  const expected = rowsBefore + result.rows;
  const late = (await bench.postgres.count(table)) < expected;
  const drained = await whileMeasuring(bench, collectorPids, () =>
    bench.postgres.untilRows(expected, { unsure: result.refusedRows ?? 0, table }),
  );
  const sum = (read: (part: Measured<unknown>) => number) =>
    // Acknowledged by the spool, rows come later: then that is part of the cost.
    read(loaded) + (late ? read(drained) : 0);
  return {
    rows: result.rows,
    seconds: result.seconds + (late ? drained.seconds : 0),
    cpuSeconds: {
      client: result.cpuSeconds,
      collector: sum(({ cpu }) => cpu.collector),
      postgres: sum(({ cpu }) => cpu.postgres),
    },
    figures: figures(result),
  };
}
