import pg from 'pg';
import { CitusDatabases } from '../../test/support/citus.ts';
import { runCommand } from '../../test/support/command.ts';
import type { Load } from '../load/child.ts';
import { type Bench, type Case, type Contestant, startCollector } from '../support/bench.ts';
import { cpuSecondsOfTree } from '../support/cpu.ts';
import { type LoadResult, measureLoad, startHttp, startStream } from '../support/measure.ts';
import { Opened } from '../support/opened.ts';
import { BenchPostgres } from '../support/postgres.ts';

const shards = 8;

/**
 * The same collector on a database of the coordinator, and on one whose rows lie on the workers: of
 * the cluster that CITUS_URL names.
 */
export const citus: Case = {
  name: 'citus',
  title: 'Plain PostgreSQL and a Citus cluster on the same servers',
  open: async (bench) => {
    const url = process.env.CITUS_URL ?? '';
    if (url === '') {
      return {
        contestants: [],
        missing: [{ name: 'Citus', reason: 'CITUS_URL names no coordinator' }],
      };
    }
    const opened = new Opened();
    const databases = await CitusDatabases.open(url);
    const plain = await openSide(bench, opened, databases, 'plain');
    const distributed = await openSide(bench, opened, databases, 'distributed');
    return {
      contestants: [...contestantsOf(plain, 'plain'), ...contestantsOf(distributed, 'distributed')],
      close: () => opened.close(),
    };
  },
};

interface Side extends Bench {
  /** The postmasters, the coordinator's first. */
  readonly servers: readonly number[];
  readonly admin: pg.Pool;
}

async function openSide(
  bench: Bench,
  opened: Opened,
  databases: CitusDatabases,
  kind: 'plain' | 'distributed',
): Promise<Side> {
  const name = `bench_${kind}_${process.pid}`;
  await (kind === 'plain' ? databases.createPlain(name) : databases.create(name));
  await opened.add(Promise.resolve(name), () => databases.drop(name));
  const url = databases.urlOf(name);
  const commands = [
    ['migrate'],
    ...(kind === 'plain' ? [] : [['distribute', '--shards', `${shards}`]]),
  ];
  for (const args of commands) {
    const { code, stderr } = await runCommand(args, { DATABASE_URL: url });
    if (code !== 0) throw new Error(`${args[0]}: ${stderr}`);
  }
  const admin = new pg.Pool({ connectionString: url, max: 2 });
  await opened.add(Promise.resolve(admin), (pool) => pool.end());
  const collector = await opened.add(startCollector(undefined, url), ({ close }) => close());
  const servers = await postmastersOf(admin, kind === 'distributed');
  const postgres = await opened.add(BenchPostgres.at(url, servers), (open) => open.close());
  return { ...bench, collector, postgres, servers, admin };
}

async function postmastersOf(admin: pg.Pool, isCluster: boolean): Promise<number[]> {
  const pid = `select split_part(pg_read_file('postmaster.pid'), E'\\n', 1) as pid`;
  const { rows } = await admin.query<{ pid: string }>(
    isCluster
      ? `select result as pid from run_command_on_all_nodes($$${pid}$$)
         join pg_dist_node using (nodeid) order by groupid`
      : pid,
  );
  return rows.map((row) => Number(row.pid));
}

function contestantsOf(side: Side, kind: string): Contestant[] {
  const { sizes } = side;
  const loads: Readonly<Record<string, () => Promise<Load<LoadResult>>>> = {
    'streams 8 × 1,000': () =>
      startStream(side, { connections: 8, batchRows: 1000, batches: Math.ceil(sizes.rows / 1000) }),
    'posts, 64 connections': () => startHttp(side, { connections: 64, seconds: sizes.seconds }),
  };
  return Object.entries(loads).map(([name, start]) => ({
    name: `${name}, ${kind}`,
    measure: async () => {
      await side.admin.query('truncate system_telemetry, batch_ledger');
      const load = await start();
      const read = () => side.servers.map(cpuSecondsOfTree);
      const before = read();
      const pid = side.collector.process.pid as number;
      const sample = await measureLoad(side, pid, load, () => ({}));
      const spent = read().map((seconds, index) => seconds - (before[index] as number));
      const perRow = (seconds: number) => (1e6 * seconds) / sample.rows;
      const [coordinator = 0, ...workers] = spent;
      return {
        ...sample,
        figures: {
          coordinator_us: perRow(coordinator),
          workers_us: perRow(workers.reduce((sum, each) => sum + each, 0)),
        },
      };
    },
  }));
}
