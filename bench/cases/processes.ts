import { type Bench, type Case, startCollector } from '../support/bench.ts';
import { childrenOf } from '../support/cpu.ts';
import { measureLoad, startHttp } from '../support/measure.ts';
import { type Opened, openAll } from '../support/opened.ts';
import { holdToShare } from '../support/share.ts';

const connections = 64;
const share = 1 / 4;

/** Posts to collectors of several processes, on the one PostgreSQL: as far as the machine's cores go. */
export const processes: Case = {
  name: 'processes',
  title: 'POST /v1/telemetry/log over 64 connections, durable, flat out, by several processes',
  open: (bench) =>
    openAll(async (opened) => {
      const collectors = await openCollectors(bench, opened, [1, 2, 3]);
      const contestants = collectors.map((each) => contestant(bench, each, connections));
      return { contestants, close: () => opened.close() };
    }),
};

/**
 * What more cores would show: each process has its own quarter of one, so that four have as much
 * to share as one has by itself.
 */
export const shares: Case = {
  name: 'shares',
  title: 'The same, a quarter of a core and 64 connections for each process',
  open: (bench) =>
    openAll(async (opened) => {
      const collectors = await openCollectors(bench, opened, [1, 2, 3, 4]);
      const close = () => opened.close();
      try {
        for (const pid of collectors.flatMap(receivers)) {
          const release = holdToShare(pid, share);
          await opened.add(Promise.resolve(release), async () => release());
        }
      } catch (error) {
        const reason = `no control group could be made: ${(error as Error).message}`;
        return { contestants: [], missing: [{ name: 'shares of a core', reason }], close };
      }
      const contestants = collectors.map((each) =>
        contestant(bench, each, connections * each.processes),
      );
      return { contestants, close };
    }),
};

interface Collector {
  readonly processes: number;
  readonly port: number;
  readonly pid: number;
}

/** Warm: each process compiles what it does often by itself, and has an nth of the load. */
async function openCollectors(bench: Bench, opened: Opened, counts: readonly number[]) {
  const collectors = await Promise.all(
    counts.map(async (processes): Promise<Collector> => {
      const settings = { TELEMETRY_PROCESSES: String(processes) };
      const starting = startCollector(bench.root, bench.postgres.url, settings);
      const { port, process } = await opened.add(starting, ({ close }) => close());
      return { processes, port, pid: process.pid as number };
    }),
  );
  for (const collector of collectors) {
    for (let time = 0; time < bench.sizes.warmUps * collector.processes; time++) {
      await bench.postgres.reset();
      await measure(bench, collector, connections);
    }
  }
  return collectors;
}

/** The processes that accept connections. */
const receivers = ({ processes, pid }: Collector) => (processes === 1 ? [pid] : childrenOf(pid));

const contestant = (bench: Bench, collector: Collector, connections: number) => ({
  name: collector.processes === 1 ? '1 process' : `${collector.processes} processes`,
  measure: () => measure(bench, collector, connections),
});

async function measure(bench: Bench, { port, pid }: Collector, connections: number) {
  const load = await startHttp(bench, { connections, seconds: bench.sizes.seconds }, port);
  return await measureLoad(bench, [pid, ...childrenOf(pid)], load, (result) => {
    const { p50_ms, p99_ms, refusals } = result;
    return { p50_ms, p99_ms, refusals };
  });
}
