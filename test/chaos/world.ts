import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { Environment } from '../../src/config.ts';
import { metric } from '../support/metrics.ts';
import type { PgBouncer } from '../support/pgbouncer.ts';
import { canMount, SmallDisk } from '../support/small-disk.ts';
import type { Plan } from './befall.ts';
import { type Accounts, addAccounts, audit, noAccounts } from './checks.ts';
import { CollectorProcess } from './collector-process.ts';
import { sabotageOf } from './controls.ts';
import { Deliveries } from './deliveries.ts';
import { FaultyNetwork } from './faulty-network.ts';
import { neighbourSchema, Postgres } from './postgres.ts';

/** What faults befall. */
export interface World {
  readonly postgres: Postgres;
  /** Between the collector and PostgreSQL. */
  readonly network: FaultyNetwork;
  readonly collector: CollectorProcess;
  /** Between the clients and the collector. */
  readonly access: FaultyNetwork;
  readonly deliveries: Deliveries;
  /** For whatever a fault leaves behind. */
  readonly directory: string;
  /** Of the collector. */
  readonly processes: number;
  readonly spoolDirectory: string;
  /** Where the spool is, if that is a disk of its own. */
  readonly disk: SmallDisk | undefined;
  /** What the collector is started with. */
  readonly env: Environment;
  /** Another installation in the same database, which runs now and then. */
  readonly neighbour: { readonly collector: CollectorProcess; readonly deliveries: Deliveries };
  /** Between network and PostgreSQL, now and then. */
  pooler: PgBouncer | undefined;
  /** The files that were damaged, which are to be set aside. */
  readonly damagedSegments: Set<string>;
  /** What the collectors stopped so far have counted. */
  accounts: Accounts;
  /** Damaged segments that they deleted to stay within bounds. */
  droppedSegments: number;
  /** Promises that were broken. */
  readonly violations: string[];
  /** Ends any collector, once its accounts are looked at. */
  stop(collector: CollectorProcess, signal: 'SIGTERM' | 'SIGKILL'): Promise<void>;
  stopCollector(signal: 'SIGTERM' | 'SIGKILL'): Promise<void>;
  startCollector(env?: Environment): Promise<void>;
}

const collectorEnv = {
  TELEMETRY_PORT: '0',
  TELEMETRY_LOG_FORMAT: 'json',
  TELEMETRY_COMMIT_MS_MAX: '200',
  TELEMETRY_STREAM_COMMIT_MS_MAX: '200',
  TELEMETRY_BUFFER_BYTES_MAX: String(1024 * 1024),
  TELEMETRY_GROUP_ROWS_MAX: '500',
  TELEMETRY_DISK_RESERVE_BYTES: '0',
  TELEMETRY_SHUTDOWN_MS_MAX: '3000',
};
const stopMsMax = 8000;
const diskMebibytes = 64;

/** A collector that is ready, and all that it stands on. */
export async function createWorld(
  directory: string,
  { control, processes = 1 }: Pick<Plan, 'control' | 'processes'>,
): Promise<World> {
  const postgres = await Postgres.create(join(directory, 'postgres'));
  const network = await FaultyNetwork.start({ path: postgres.socketPath });
  const dataDirectory = join(directory, 'data');
  const disk = canMount ? new SmallDisk(dataDirectory, diskMebibytes) : undefined;
  const env = {
    ...collectorEnv,
    DATABASE_URL: postgres.urlBy(network.port),
    TELEMETRY_DATA_DIR: dataDirectory,
    TELEMETRY_PROCESSES: String(processes),
  };
  const collector = new CollectorProcess(env, sabotageOf(control));
  await collector.start();
  await collector.untilReady();
  const access = await FaultyNetwork.start({ host: '127.0.0.1', port: collector.port });
  const violations: string[] = [];
  const world: World = {
    postgres,
    network,
    collector,
    access,
    deliveries: new Deliveries(),
    directory,
    processes,
    spoolDirectory: join(dataDirectory, 'spool'),
    disk,
    env,
    neighbour: createNeighbour(env, directory),
    pooler: undefined,
    damagedSegments: new Set(),
    accounts: noAccounts,
    droppedSegments: 0,
    violations,
    stop: async (ending, signal) => {
      const { faults, accounts } = await audit(ending.baseUrl);
      violations.push(...faults);
      world.accounts = addAccounts(world.accounts, accounts);
      const killing = setTimeout(() => ending.kill(), stopMsMax);
      const code = await ending.end(signal);
      clearTimeout(killing);
      if (signal === 'SIGTERM' && code !== 0)
        violations.push(`a collector did not stop within ${stopMsMax} ms, or failed: ${code}`);
    },
    stopCollector: async (signal) => {
      const dropped = 'telemetry_spool_damaged_files_dropped_total';
      world.droppedSegments += await metric(collector.baseUrl, dropped);
      await world.stop(collector, signal);
    },
    startCollector: async (special) => {
      await collector.start(special);
      access.targets = [{ host: '127.0.0.1', port: collector.port }];
    },
  };
  return world;
}

function createNeighbour(env: Environment & { DATABASE_URL: string }, directory: string) {
  const dataDirectory = join(directory, 'neighbour');
  mkdirSync(dataDirectory);
  // It finds the tables of the other one on its path, too.
  const options = encodeURIComponent(`-c search_path=${neighbourSchema},public`);
  const collector = new CollectorProcess({
    ...env,
    DATABASE_URL: `${env.DATABASE_URL}?options=${options}`,
    TELEMETRY_DATA_DIR: dataDirectory,
  });
  return { collector, deliveries: new Deliveries() };
}
