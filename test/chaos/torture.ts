import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { getJson } from '../support/http.ts';
import { metric } from '../support/metrics.ts';
import { canMount, SmallDisk } from '../support/small-disk.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';
import { befall, type Plan } from './befall.ts';
import { audit, compare, type Findings, forgotten, strangers, untilSettled } from './checks.ts';
import { sendSingly, streamBatches, streamEvents, type Traffic } from './clients.ts';
import { CollectorProcess } from './collector-process.ts';
import { Deliveries } from './deliveries.ts';
import type { World } from './faults.ts';
import { FaultyNetwork } from './faulty-network.ts';
import { Postgres } from './postgres.ts';
import { Random } from './random.ts';
import { type Send, senders } from './senders.ts';
import { segmentsIn, setAsideIn } from './spool-files.ts';

export interface TortureReport extends Findings {
  readonly seed: number;
  readonly faults: Record<string, number>;
  readonly seconds: number;
  readonly batches: Record<'acknowledged' | 'refused' | 'abandoned' | 'unknown', number>;
  readonly events: number;
  readonly usage: number;
  readonly answers: Deliveries['answers'];
  /** Records that the ledger knew again, on the way or from the spool, before the checks. */
  readonly duplicates: number;
  readonly commitsCut: number;
  readonly damagedSegments: number;
  /** Empty where every promise was kept. */
  readonly violations: string[];
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
const recoveryMsMax = 120_000;
const diskMebibytes = 64;

/** Runs clients against a collector that faults befall, and says what became of what they sent. */
export async function torture(plan: Plan): Promise<TortureReport> {
  const startedAt = performance.now();
  const directory = temporaryDirectory();
  const violations: string[] = [];
  const world = await createWorld(directory.path, violations);
  const ending = new AbortController();
  const givingUp = new AbortController();
  const deliveries = new Deliveries();
  const traffic = {
    baseUrl: `http://127.0.0.1:${world.access.port}`,
    deliveries,
    ending: ending.signal,
    givingUp: givingUp.signal,
  };
  const clients = startClients(traffic, plan.seed);
  const counts = await befall(world, deliveries, plan);

  ending.abort();
  const deadline = AbortSignal.timeout(recoveryMsMax);
  deadline.addEventListener('abort', () => givingUp.abort());
  await clients;
  await untilSettled(world.collector.baseUrl, deadline).catch((error) =>
    violations.push((error as Error).message),
  );
  const provoked = world.duplicates + (await audit(world.collector.baseUrl)).duplicates;
  // Before anything is sent again, which would make good what is lost.
  const { lost } = await compare(world.postgres, deliveries);
  const send = senders.grpc?.(world.collector.baseUrl) as Send;
  violations.push(...(await forgotten(send, deliveries, new Random(plan.seed))));
  await world.stopCollector('SIGTERM');
  const findings = { ...(await compare(world.postgres, deliveries)), lost };
  violations.push(
    ...new Set(world.collector.complaints),
    ...(await strangers(world.postgres, deliveries)),
    ...verdict(world, deliveries, findings),
    ...(provoked > 0 ? [] : ['no duplicate was provoked: nothing is proved']),
  );
  await Promise.all([world.network.stop(), world.access.stop(), world.postgres.end('SIGINT')]);
  world.disk?.unmount();
  directory.remove();
  return {
    seed: plan.seed,
    faults: counts,
    seconds: Math.round((performance.now() - startedAt) / 1000),
    batches: {
      acknowledged: deliveries.in('acknowledged').length,
      refused: deliveries.in('refused').length,
      abandoned: deliveries.in('abandoned').length,
      unknown: deliveries.in('unknown').length,
    },
    events: deliveries.events,
    usage: deliveries.usage,
    answers: deliveries.answers,
    duplicates: provoked,
    commitsCut: world.network.commitsCut,
    damagedSegments: world.damagedSegments.size,
    ...findings,
    violations,
  };
}

async function createWorld(directory: string, violations: string[]): Promise<World> {
  const postgres = await Postgres.create(join(directory, 'postgres'));
  const network = await FaultyNetwork.start({ path: postgres.socketPath });
  const dataDirectory = join(directory, 'data');
  const disk = canMount ? new SmallDisk(dataDirectory, diskMebibytes) : undefined;
  const collector = new CollectorProcess({
    ...collectorEnv,
    DATABASE_URL: postgres.urlBy(network.port),
    TELEMETRY_DATA_DIR: dataDirectory,
  });
  await collector.start();
  // It takes data before the tables are there, which some faults need.
  while ((await getJson(`${collector.baseUrl}/readyz`)).body.reasons.length > 0) await sleep(20);
  const access = await FaultyNetwork.start({ host: '127.0.0.1', port: collector.port });
  const world: World = {
    postgres,
    network,
    collector,
    access,
    spoolDirectory: join(dataDirectory, 'spool'),
    disk,
    damagedSegments: new Set(),
    duplicates: 0,
    droppedSegments: 0,
    stopCollector: async (signal) => {
      const { faults, duplicates } = await audit(collector.baseUrl);
      violations.push(...faults);
      world.duplicates += duplicates;
      const dropped = 'telemetry_spool_damaged_files_dropped_total';
      world.droppedSegments += await metric(collector.baseUrl, dropped);
      const killing = setTimeout(() => collector.kill(), stopMsMax);
      const code = await collector.end(signal);
      clearTimeout(killing);
      if (signal === 'SIGTERM' && code !== 0)
        violations.push(`the collector did not stop within ${stopMsMax} ms, or failed: ${code}`);
    },
    startCollector: async (env) => {
      await collector.start(env);
      access.target = { host: '127.0.0.1', port: collector.port };
    },
  };
  return world;
}

function startClients(traffic: Traffic, seed: number): Promise<unknown> {
  let number = 0;
  const random = () => new Random(seed * 1000 + number++);
  const single = Object.entries(senders).flatMap(([name, sender]) =>
    [1, 2].map(() => sendSingly(traffic, name, sender(traffic.baseUrl), random())),
  );
  return Promise.all([
    ...single,
    streamBatches(traffic, random()),
    streamBatches(traffic, random()),
    streamEvents(traffic, random()),
  ]);
}

function verdict(world: World, deliveries: Deliveries, findings: Findings): string[] {
  const found = Object.entries(findings)
    .filter(([, count]) => count > 0)
    .map(([what, count]) => `${what}: ${count}`);
  const open = deliveries.in('unknown').length;
  if (open > 0) found.push(`batches that were never acknowledged: ${open}`);
  const left = segmentsIn(world.spoolDirectory).length;
  if (left > 0) found.push(`segments left in the spool: ${left}`);
  const setAside = setAsideIn(world.spoolDirectory);
  const gone = [...world.damagedSegments].filter((file) => !setAside.has(file)).length;
  if (gone > world.droppedSegments)
    found.push(`damaged segments that are not set aside: ${gone - world.droppedSegments}`);
  return found;
}
