import { type Bench, type Case, startCollector } from '../support/bench.ts';
import { childrenOf } from '../support/cpu.ts';
import { measureLoad, startHttp } from '../support/measure.ts';
import { type Opened, openAll } from '../support/opened.ts';
import { holdToShare, whyNoShares } from '../support/share.ts';

const counts = [1, 2, 3];
const connections = 64;
const share = 1 / 4;

/**
 * Posts to collectors of several processes, on the one PostgreSQL: as far as the machine's cores go;
 * and where each process has a quarter of a core and no more, with as many connections for each,
 * which is what cores of their own would show.
 */
export const processes: Case = {
  name: 'processes',
  title: 'POST /v1/telemetry/log over 64 connections, durable, flat out, by several processes',
  open: (bench) =>
    openAll(async (opened) => {
      const collectors = await openCollectors(bench, opened);
      const nameOf = ({ count }: Collector) => (count === 1 ? '1 process' : `${count} processes`);
      const flatOut = collectors.map((each) => ({
        name: nameOf(each),
        measure: () => measure(bench, each, connections),
      }));
      const shared = collectors.map((each) => ({
        name: `${nameOf(each)}, a quarter of a core and 64 connections for each`,
        measure: () => holding(each, () => measure(bench, each, connections * each.count)),
      }));
      const reason = whyNoShares();
      const missing = reason === undefined ? [] : [{ name: 'quarters of a core', reason }];
      return {
        contestants: reason === undefined ? [...flatOut, ...shared] : flatOut,
        missing,
        close: () => opened.close(),
      };
    }),
};

interface Collector {
  /** Of its processes. */
  readonly count: number;
  readonly port: number;
  readonly pid: number;
}

/** Warm: each process compiles what it does often by itself, and has an nth of the load. */
async function openCollectors(bench: Bench, opened: Opened): Promise<Collector[]> {
  const collectors = await Promise.all(
    counts.map(async (count) => {
      const settings = { TELEMETRY_PROCESSES: String(count) };
      const starting = startCollector(bench.root, bench.postgres.url, settings);
      const { port, process } = await opened.add(starting, ({ close }) => close());
      return { count, port, pid: process.pid as number };
    }),
  );
  for (const collector of collectors) {
    for (let time = 0; time < bench.sizes.warmUps * collector.count; time++) {
      await bench.postgres.reset();
      await measure(bench, collector, connections);
    }
  }
  return collectors;
}

/** Holds the processes that accept connections to their shares meanwhile. */
async function holding<T>({ count, pid }: Collector, work: () => Promise<T>): Promise<T> {
  const releases = (count === 1 ? [pid] : childrenOf(pid)).map((each) => holdToShare(each, share));
  try {
    return await work();
  } finally {
    for (const release of releases) release();
  }
}

async function measure(bench: Bench, { port, pid }: Collector, connections: number) {
  const load = await startHttp(bench, { connections, seconds: bench.sizes.seconds }, port);
  return await measureLoad(bench, [pid, ...childrenOf(pid)], load, (result) => {
    const { p50_ms, p99_ms, refusals } = result;
    return { p50_ms, p99_ms, refusals };
  });
}
