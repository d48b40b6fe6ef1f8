import { type Bench, type Case, startCollector } from '../support/bench.ts';
import { childrenOf } from '../support/cpu.ts';
import { measureLoad, startHttp } from '../support/measure.ts';

const counts = [1, 2, 3];
const connections = 64;

/** Posts to collectors of several processes, on the one PostgreSQL: as far as the machine's cores go. */
export const processes: Case = {
  name: 'processes',
  title: 'POST /v1/telemetry/log over 64 connections, durable, flat out, by several processes',
  open: async (bench) => {
    const collectors = await Promise.all(
      counts.map((count) =>
        startCollector(bench.root, bench.postgres.url, { TELEMETRY_PROCESSES: String(count) }),
      ),
    );
    const contestants = collectors.map(({ port, process: { pid } }, at) => ({
      name: counts[at] === 1 ? '1 process' : `${counts[at]} processes`,
      measure: () => measure(bench, port, pid as number),
    }));
    for (const [at, { measure }] of contestants.entries()) await warmUp(bench, at + 1, measure);
    return {
      contestants,
      close: async () => {
        for (const { close } of collectors) await close();
      },
    };
  },
};

/** Each process compiles what it does often by itself, and has an nth of the load. */
async function warmUp(bench: Bench, processes: number, load: () => Promise<unknown>) {
  for (let time = 0; time < bench.sizes.warmUps * processes; time++) {
    await bench.postgres.reset();
    await load();
  }
}

async function measure(bench: Bench, port: number, pid: number) {
  const load = await startHttp(bench, { connections, seconds: bench.sizes.seconds }, port);
  return await measureLoad(bench, [pid, ...childrenOf(pid)], load, (result) => {
    const { p50_ms, p99_ms, refusals } = result;
    return { p50_ms, p99_ms, refusals };
  });
}
