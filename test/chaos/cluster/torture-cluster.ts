import { execFile } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { runCommand } from '../../support/command.ts';
import { temporaryDirectory } from '../../support/temporary-directory.ts';
import type { Plan } from '../befall.ts';
import { type Findings, untilSettled } from '../checks.ts';
import { CollectorProcess } from '../collector-process.ts';
import { Deliveries } from '../deliveries.ts';
import { comes } from '../fault.ts';
import { FaultyNetwork } from '../faulty-network.ts';
import { Random } from '../random.ts';
import { broken, examine, type TortureReport, whileSending } from '../torture.ts';
import { Nodes } from './nodes.ts';

export interface ClusterPlan extends Pick<Plan, 'seed' | 'faults' | 'secondsMax' | 'onFault'> {
  /** The folder of the programs of a PostgreSQL that has Citus. */
  readonly binaries: string;
  /** A worker is added, and another replaced, by the scripts for that, in place of faults. */
  readonly rehearsal?: boolean;
  /** The same folder with a later version of Citus, which takes the place of the one before. */
  readonly upgradedTo?: string;
}

export interface ClusterReport
  extends Findings,
    Pick<TortureReport, 'seed' | 'seconds' | 'events' | 'usage' | 'answers' | 'violations'> {
  readonly faults: Record<string, number>;
  readonly batches: number;
  readonly acknowledged: number;
}

const workers = 2;
const scripts = new URL('../../../scripts/citus/', import.meta.url).pathname;
const recoveryMsMax = 180_000;
const restMsMax = 8000;
const commitsMin = 10;
const collectorEnv = {
  TELEMETRY_PORT: '0',
  TELEMETRY_LOG_FORMAT: 'json',
  TELEMETRY_COMMIT_MS_MAX: '500',
  TELEMETRY_STREAM_COMMIT_MS_MAX: '500',
  TELEMETRY_DISK_RESERVE_BYTES: '0',
  TELEMETRY_EVENT_AGE_DAYS_MAX: '1',
  TELEMETRY_PARTITION_DAYS_AHEAD: '2',
};

interface World {
  readonly nodes: Nodes;
  readonly collector: CollectorProcess;
  readonly access: FaultyNetwork;
  readonly deliveries: Deliveries;
}

/** Kills collector, coordinator and workers in turn, and says what became of what clients sent. */
export async function tortureCluster(plan: ClusterPlan): Promise<ClusterReport> {
  const startedAt = performance.now();
  const directory = temporaryDirectory();
  const world = await createWorld(plan, directory.path);
  const { nodes, collector, access, deliveries } = world;
  const steps = plan.upgradedTo ? upgrade : plan.rehearsal ? rehearse : befall;
  const faults = await whileSending(world, plan.seed, () => steps(world, plan));
  const violations: string[] = [];
  const deadline = AbortSignal.timeout(recoveryMsMax);
  await untilSettled(collector.baseUrl, deadline).catch((error) =>
    violations.push((error as Error).message),
  );
  const stopCollector = async () => void (await collector.end('SIGTERM'));
  const examined = { postgres: nodes, deliveries, collector, violations, stopCollector };
  const findings = await examine(examined, plan.seed);
  violations.push(...broken(findings));
  await access.stop();
  await nodes.endAll();
  directory.remove();
  return {
    seed: plan.seed,
    faults,
    seconds: Math.round((performance.now() - startedAt) / 1000),
    batches: deliveries.all.length,
    acknowledged: deliveries.in('acknowledged').length,
    events: deliveries.events,
    usage: deliveries.usage,
    answers: deliveries.answers,
    ...findings,
    violations,
  };
}

async function createWorld(
  { binaries, rehearsal }: ClusterPlan,
  directory: string,
): Promise<World> {
  const spare = rehearsal ? 2 : 0;
  const nodes = await Nodes.create(binaries, join(directory, 'nodes'), workers, spare);
  await nodes.admin(
    `create schema chaos;
     create table chaos.kept_events (number float8);
     create table chaos.kept_usage (number float8)`,
  );
  const data = join(directory, 'data');
  mkdirSync(data);
  const env = { ...collectorEnv, DATABASE_URL: nodes.url, TELEMETRY_DATA_DIR: data };
  for (const args of [['migrate'], ['distribute', '--shards', '4']]) {
    const { code, stdout, stderr } = await runCommand(args, env);
    if (code !== 0) throw new Error(`${args[0]}: ${stdout}${stderr}`);
  }
  const collector = new CollectorProcess(env);
  await collector.start();
  await collector.untilReady();
  const access = await FaultyNetwork.start({ host: '127.0.0.1', port: collector.port });
  return { nodes, collector, access, deliveries: new Deliveries() };
}

const run = promisify(execFile);

/** Of an operator; resolves with what it says. */
type Step = () => Promise<string>;

const script =
  (name: string, ...args: readonly string[]): Step =>
  async () =>
    (await run(join(scripts, name), args)).stdout;

/** Workers are added and replaced, while clients send. */
async function rehearse({ nodes }: World, plan: ClusterPlan): Promise<Record<string, number>> {
  const at = (index: number) => ['127.0.0.1', String(nodes.portOf(index))];
  return await inTurn(plan, {
    'add-worker.sh': script('add-worker.sh', nodes.url, ...at(3)),
    'replace-worker.sh': script('replace-worker.sh', nodes.url, ...at(1), ...at(4)),
  });
}

/** Citus is upgraded, while clients send: the workers first. */
async function upgrade({ nodes }: World, plan: ClusterPlan): Promise<Record<string, number>> {
  nodes.putIn(plan.upgradedTo as string);
  const restart = (index: number) => async () => {
    await nodes.restart(index);
    return '';
  };
  return await inTurn(plan, {
    'a worker restarted': restart(1),
    'the other worker restarted': restart(2),
    'the coordinator restarted': restart(0),
    'update-extension.sh': script('update-extension.sh', nodes.url),
  });
}

/** Returns the seconds that each step took. */
async function inTurn(
  { onFault }: ClusterPlan,
  steps: Readonly<Record<string, Step>>,
): Promise<Record<string, number>> {
  const seconds: Record<string, number> = {};
  for (const [name, step] of Object.entries(steps)) {
    await sleep(5000);
    const number = Object.keys(seconds).length + 1;
    onFault?.(number, name);
    const startedAt = performance.now();
    onFault?.(number, (await step()).trim().replaceAll('\n', ', ') || 'done');
    seconds[name] = Math.round((performance.now() - startedAt) / 1000);
  }
  await sleep(5000);
  return seconds;
}

/** Each kind once before any comes again. */
async function befall(
  world: World,
  { seed, faults, secondsMax, onFault }: ClusterPlan,
): Promise<Record<string, number>> {
  const startedAt = performance.now();
  const random = new Random(seed);
  const kinds = kindsOf(world);
  const counts: Record<string, number> = {};
  let bag: string[] = [];
  for (let number = 1; number <= faults; number++) {
    if (performance.now() - startedAt > 1000 * secondsMax) break;
    if (bag.length === 0) bag = random.shuffled(Object.keys(kinds));
    const kind = bag.pop() as string;
    onFault?.(number, kind);
    counts[kind] = (counts[kind] ?? 0) + 1;
    await kinds[kind]?.(random);
    const before = world.deliveries.answers.acknowledged;
    await comes(
      () => world.deliveries.answers.acknowledged - before >= commitsMin,
      random.between(100, restMsMax),
    );
  }
  return counts;
}

function kindsOf({ nodes, collector, access }: World) {
  const away = async (index: number, signal: 'SIGINT' | 'SIGKILL', random: Random) => {
    await nodes.end(index, signal);
    await sleep(random.between(0, 1500));
    await nodes.start(index);
  };
  const restarted = async (random: Random) => {
    await collector.end('SIGKILL');
    await sleep(random.between(0, 300));
    await collector.start();
    access.targets = [{ host: '127.0.0.1', port: collector.port }];
  };
  const aWorker = (random: Random) => random.between(1, workers);
  const kinds: Record<string, (random: Random) => Promise<unknown>> = {
    'collector: kill -9': restarted,
    'coordinator: kill -9': (random) => away(0, 'SIGKILL', random),
    'coordinator: fast shutdown': (random) => away(0, 'SIGINT', random),
    'worker: kill -9': (random) => away(aWorker(random), 'SIGKILL', random),
    'worker: fast shutdown': (random) => away(aWorker(random), 'SIGINT', random),
    'worker and collector: kill -9': (random) =>
      Promise.all([away(aWorker(random), 'SIGKILL', random), restarted(random)]),
    'all workers: kill -9': (random) =>
      Promise.all([1, 2].map((index) => away(index, 'SIGKILL', random))),
  };
  return kinds;
}
