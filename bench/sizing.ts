import { execFileSync } from 'node:child_process';
import os from 'node:os';
import { parseArgs } from 'node:util';
import pg from 'pg';
import { type Bench, openBench } from './support/bench.ts';
import { childrenOf, residentBytes } from './support/cpu.ts';
import { measureLoad, startStream } from './support/measure.ts';
import { Opened } from './support/opened.ts';
import { fullSizes } from './support/sizes.ts';
import { median } from './support/statistics.ts';

/**
 * How much a collector with its embedded PostgreSQL takes: rates of events that are streamed flat
 * out, by cores that both have together, with rollups and while nothing is rolled up; memory of the
 * collector; what events take on the disk. The load comes from the same machine, beside these cores
 * where there are others. Prints tables in Markdown. It needs Linux, with taskset.
 */
const { values } = parseArgs({
  options: {
    rows: { type: 'string', default: '400000' },
    rounds: { type: 'string', default: '3' },
    cores: { type: 'string', default: [1, os.cpus().length].join(',') },
  },
});
const [rows, rounds] = [Number(values.rows), Number(values.rounds)];
const coreCounts = values.cores.split(',').map(Number);
const [connections, batchRows] = [8, 1000];
const sampleEveryMs = 50;
const [secondsADay, gigabyte, megabyte] = [86_400, 1e9, 1e6];

interface Measured {
  readonly perSecond: number;
  readonly collectorUs: number;
  readonly postgresUs: number;
  readonly residentBytes: number;
}

const opened = new Opened();
const loadBefore = os.loadavg()[0] as number;
try {
  const signal = new AbortController().signal;
  const context = {
    sizes: fullSizes(rows),
    seed: 1,
    streamRates: [],
    onProgress: () => {},
    signal,
  };
  const bench = await openBench(context, opened);
  const pool = new pg.Pool({ connectionString: bench.postgres.url, max: 2 });
  await opened.add(Promise.resolve(pool), () => pool.end());
  await measure(bench);
  const table = new Map<string, Measured[]>();
  for (let round = 0; round < rounds; round++) {
    for (const cores of coreCounts) {
      pin(bench, cores);
      for (const rollsUp of [true, false]) {
        await bench.postgres.reset();
        const measured = rollsUp
          ? await measure(bench)
          : await unrolled(bench, () => measure(bench));
        const name = `| ${cores} | ${rollsUp ? 'yes' : 'no'} |`;
        table.set(name, [...(table.get(name) ?? []), measured]);
      }
    }
  }
  report(table, await bytesAnEvent(bench, pool));
} finally {
  await opened.close();
}

/** Both run on the first so many cores from now on, with all that they start. */
function pin({ collector, postgres }: Bench, cores: number): void {
  const servers = postgres.pids.flatMap((pid) => [pid, ...childrenOf(pid)]);
  const pids = [collector.process.pid as number, ...servers];
  for (const pid of pids) {
    // A backend may have ended meanwhile.
    try {
      execFileSync('taskset', ['-acp', `0-${cores - 1}`, String(pid)], { stdio: 'ignore' });
    } catch {}
  }
}

async function measure(bench: Bench): Promise<Measured> {
  const pid = bench.collector.process.pid as number;
  const shape = { connections, batchRows, batches: Math.ceil(rows / batchRows) };
  const load = await startStream(bench, shape);
  const resident: number[] = [];
  const timer = setInterval(() => resident.push(residentBytes(pid)), sampleEveryMs);
  const sample = await measureLoad(bench, pid, load, () => ({})).finally(() =>
    clearInterval(timer),
  );
  return {
    perSecond: sample.rows / sample.seconds,
    collectorUs: ((sample.cpuSeconds.collector ?? Number.NaN) * 1e6) / sample.rows,
    postgresUs: (sample.cpuSeconds.postgres * 1e6) / sample.rows,
    residentBytes: Math.max(...resident),
  };
}

async function unrolled<T>({ postgres }: Bench, work: () => Promise<T>): Promise<T> {
  const release = await postgres.holdRollups();
  try {
    return await work();
  } finally {
    await release();
  }
}

/** Of the rows with their indexes. */
async function bytesAnEvent({ postgres }: Bench, pool: pg.Pool): Promise<number> {
  const { rows: sizes } = await pool.query(`
    select sum(pg_total_relation_size(relid))::float8 as bytes
    from pg_partition_tree('system_telemetry') where isleaf`);
  return sizes[0].bytes / (await postgres.count());
}

function report(table: ReadonlyMap<string, readonly Measured[]>, eventBytes: number): void {
  const of = (all: readonly Measured[], read: (one: Measured) => number) => median(all.map(read));
  console.log(`Load average before: ${loadBefore.toFixed(1)}, of ${os.cpus().length} cores.\n`);
  console.log('| cores | rolled up | events/s | collector µs | PostgreSQL µs | collector MB |');
  console.log('| ---: | --- | ---: | ---: | ---: | ---: |');
  for (const [name, all] of table) {
    const figures = [
      Math.round(of(all, ({ perSecond }) => perSecond)).toLocaleString('en'),
      of(all, ({ collectorUs }) => collectorUs).toFixed(1),
      of(all, ({ postgresUs }) => postgresUs).toFixed(1),
      Math.round(of(all, (one) => one.residentBytes) / megabyte),
    ];
    console.log(`${name} ${figures.join(' | ')} |`);
  }
  console.log(`\n${Math.round(eventBytes)} bytes an event, with its indexes.\n`);
  console.log('| events/s | GB a day |\n| ---: | ---: |');
  for (const perSecond of [10, 100, 1000, 10_000]) {
    const bytes = perSecond * secondsADay * eventBytes;
    console.log(`| ${perSecond.toLocaleString('en')} | ${(bytes / gigabyte).toFixed(1)} |`);
  }
}
