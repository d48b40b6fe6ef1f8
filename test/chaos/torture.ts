import type { ConnectionSettings } from '../../src/postgres/pool.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';
import { befall, type FaultCount, type Plan } from './befall.ts';
import {
  type Accounts,
  audit,
  compare,
  type Findings,
  forgotten,
  strangers,
  untilAdopted,
  untilSettled,
} from './checks.ts';
import { sendSingly, streamBatches, streamEvents, type Traffic } from './clients.ts';
import { forget } from './controls.ts';
import type { Deliveries, Delivery } from './deliveries.ts';
import { neighbourSchema, type Postgres } from './postgres.ts';
import { Random } from './random.ts';
import { rolledAmiss } from './rollups.ts';
import { type Send, senders } from './senders.ts';
import { segmentsIn, setAsideIn } from './spool-files.ts';
import { createWorld, type World } from './world.ts';

export interface TortureReport extends Findings {
  readonly seed: number;
  readonly faults: Record<string, FaultCount>;
  readonly seconds: number;
  readonly batches: Record<'acknowledged' | 'refused' | 'abandoned' | 'unknown', number>;
  readonly events: number;
  readonly usage: number;
  readonly answers: Deliveries['answers'];
  /** Records that the ledger knew again, on the way or from the spool, before the checks. */
  readonly duplicates: number;
  /** What all collectors have counted; what is pending is what those that were killed had. */
  readonly accounts: Accounts;
  readonly commitsCut: number;
  readonly damagedSegments: number;
  /** Empty where every promise was kept. */
  readonly violations: string[];
}

const recoveryMsMax = 120_000;
/** So many batches that are lost are told one by one. */
const lostToldMax = 20;
/** A kind that came so often and never hit anything shows nothing. */
const unmetMax = 5;

/** Runs clients against a collector that faults befall, and says what became of what they sent. */
export async function torture(plan: Plan): Promise<TortureReport> {
  const startedAt = performance.now();
  const directory = temporaryDirectory();
  const world = await createWorld(directory.path, plan);
  const { deliveries, violations } = world;
  const faults = await whileSending(world, plan.seed, async (ending) => {
    if (plan.control === 'forgetful ledger') forget(world.postgres, ending);
    return await befall(world, plan).catch((error) => {
      const { complaints, log } = world.collector;
      const told = [...complaints, ...log].join('\n');
      throw new Error(`a fault could not be made; of the collector:\n${told}`, { cause: error });
    });
  });
  const deadline = AbortSignal.timeout(recoveryMsMax);
  await untilRecovered(world, deadline).catch((error) => violations.push((error as Error).message));
  const duplicates =
    world.accounts.duplicate + (await audit(world.collector.baseUrl)).accounts.duplicate;
  const findings = await examine(world, plan.seed);
  await endNeighbour(world, deadline);
  violations.push(...verdict(world, findings, faults));
  if (duplicates === 0) violations.push('no duplicate was provoked: nothing is proved');
  await end(world);
  directory.remove();
  return {
    seed: plan.seed,
    faults,
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
    duplicates,
    accounts: world.accounts,
    commitsCut: world.network.commitsCut,
    damagedSegments: world.damagedSegments.size,
    ...findings,
    violations,
  };
}

/** Clients send during the work; ends when every client has what it waits for, or gives up. */
export async function whileSending<T>(
  { access, deliveries }: Pick<World, 'access' | 'deliveries'>,
  seed: number,
  work: (ending: AbortSignal) => Promise<T>,
): Promise<T> {
  const ending = new AbortController();
  const givingUp = new AbortController();
  const traffic = {
    baseUrl: `http://127.0.0.1:${access.port}`,
    deliveries,
    ending: ending.signal,
    givingUp: givingUp.signal,
  };
  const clients = startClients(traffic, seed);
  const result = await work(ending.signal);
  ending.abort();
  const late = setTimeout(() => givingUp.abort(), recoveryMsMax);
  await clients;
  clearTimeout(late);
  return result;
}

async function untilRecovered({ collector, postgres }: World, deadline: AbortSignal) {
  await untilSettled(collector.baseUrl, deadline);
  await untilAdopted(postgres, deadline);
}

type Examined = Pick<World, 'deliveries' | 'collector' | 'violations' | 'stopCollector'> & {
  readonly postgres: Pick<Postgres, 'admin'> & { readonly adminSettings: ConnectionSettings };
};

/** Compares, sends some batches again, ends the collector, and compares again. */
export async function examine(
  { postgres, deliveries, collector, violations, stopCollector }: Examined,
  seed: number,
): Promise<Findings> {
  // Before anything is sent again, which would make good what is lost.
  const gone: Delivery[] = [];
  const { lost } = await compare(postgres, deliveries, 'public', (each) => gone.push(each));
  violations.push(...gone.slice(0, lostToldMax).map((each) => `lost: ${JSON.stringify(each)}`));
  const send = senders.grpc?.(collector.baseUrl) as Send;
  violations.push(...(await forgotten(send, deliveries, new Random(seed))));
  await stopCollector('SIGTERM');
  violations.push(...new Set(collector.complaints), ...(await strangers(postgres, deliveries)));
  violations.push(...(await rolledAmiss(postgres)));
  return { ...(await compare(postgres, deliveries)), lost };
}

/** Another installation, if there was one, stores what it has left in its spool. */
async function endNeighbour(world: World, deadline: AbortSignal): Promise<void> {
  const { collector, deliveries } = world.neighbour;
  if (deliveries.all.length === 0) return;
  await collector.start();
  await untilSettled(collector.baseUrl, deadline).catch((error) =>
    world.violations.push(`the neighbour: ${(error as Error).message}`),
  );
  await world.stop(collector, 'SIGTERM');
  const findings = await compare(world.postgres, deliveries, neighbourSchema);
  world.violations.push(
    ...new Set(collector.complaints),
    ...broken(findings).map((line) => `the neighbour's ${line}`),
  );
}

async function end({ network, access, pooler, postgres, disk }: World): Promise<void> {
  await pooler?.stop('SIGKILL');
  await Promise.all([network.stop(), access.stop(), postgres.end('SIGINT')]);
  disk?.unmount();
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

export const broken = (findings: Findings): string[] =>
  Object.entries(findings)
    .filter(([, count]) => count > 0)
    .map(([what, count]) => `${what}: ${count}`);

function verdict(
  world: World,
  findings: Findings,
  faults: Readonly<Record<string, FaultCount>>,
): string[] {
  const found = broken(findings);
  for (const [kind, { befallen, met }] of Object.entries(faults))
    if (befallen >= unmetMax && met === 0) found.push(`never met: ${kind}`);
  const open = world.deliveries.in('unknown').length;
  if (open > 0) found.push(`batches that were never acknowledged: ${open}`);
  const left = segmentsIn(world.spoolDirectory);
  if (left.length > 0) found.push(`segments left in the spool: ${left.join()}`);
  const setAside = setAsideIn(world.spoolDirectory);
  const gone = [...world.damagedSegments].filter((file) => !setAside.has(file)).length;
  if (gone > world.droppedSegments)
    found.push(`damaged segments that are not set aside: ${gone - world.droppedSegments}`);
  return found;
}
