import { mkdtempSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { metric } from '../../support/metrics.ts';
import { unpackRelease } from '../../support/older-releases.ts';
import { untilSettled } from '../checks.ts';
import { CollectorProcess } from '../collector-process.ts';
import { comes, type Fault, lasts, withoutDatabase } from '../fault.ts';
import type { Random } from '../random.ts';
import { type Send, senders } from '../senders.ts';
import { segmentsIn } from '../spool-files.ts';
import type { World } from '../world.ts';

const settledMsMax = 60_000;
const neighbourMsMax = 15_000;

/** Another installation comes, is used, and goes: its tables and ours are strangers. */
async function visit(world: World, random: Random): Promise<boolean> {
  const { collector, deliveries } = world.neighbour;
  await collector.start();
  const send = senders.grpc?.(collector.baseUrl) as Send;
  const batches = random.between(5, 30);
  for (let sent = 0; sent < batches; sent++) {
    const delivery = deliveries.create('neighbour', random.between(1, 20), random.between(0, 3));
    await comes(async () => {
      deliveries.note(delivery, await send(delivery, 2000));
      return delivery.state === 'acknowledged';
    }, neighbourMsMax);
    if (delivery.state !== 'acknowledged') delivery.state = 'abandoned';
    await sleep(random.between(0, 50));
  }
  await world.stop(collector, random.pick(['SIGTERM', 'SIGKILL']));
  return deliveries.in('acknowledged').length > 0;
}

/** Both releases take from the same clients, for the same tables; then the old one is replaced. */
async function workBeside(world: World, random: Random): Promise<boolean> {
  const { access, collector, postgres } = world;
  // It knows nothing of tables that were adopted more than once.
  const unfinished = 'select from adoption where finished_at is null';
  if (!(await comes(async () => (await postgres.admin(unfinished)).length === 0, settledMsMax)))
    return false;
  const root = unpackRelease(
    'the first release',
    mkdtempSync(join(world.directory, 'first-release-')),
  );
  const dataDirectory = mkdtempSync(join(world.directory, 'first-release-data-'));
  const env = { ...world.env, DATABASE_URL: postgres.url, TELEMETRY_DATA_DIR: dataDirectory };
  const old = new CollectorProcess(env, { root });
  await old.start();
  const ports = [collector.port, old.port];
  access.targets = ports.map((port) => ({ host: '127.0.0.1', port }));
  access.drop();
  await lasts(random, 1000, 3000);
  if (random.chance(0.5)) await withoutDatabase(world, () => lasts(random));
  if (random.chance(0.5)) {
    await postgres.alterDatabase('allow_connections false');
    await lasts(random, 500, 1000);
    await postgres.alterDatabase('allow_connections true');
  }
  const received = await metric(
    old.baseUrl,
    'telemetry_records_received_total{table="system_telemetry"}',
  );
  access.targets = [{ host: '127.0.0.1', port: collector.port }];
  access.drop();
  await old.end(random.pick(['SIGTERM', 'SIGKILL']));
  await upgrade(world, env);
  return received > 0;
}

/** What the old release has left is the new one's. */
async function upgrade(
  world: World,
  env: World['env'] & { TELEMETRY_DATA_DIR: string },
): Promise<void> {
  const successor = new CollectorProcess(env);
  await successor.start();
  await untilSettled(successor.baseUrl, AbortSignal.timeout(settledMsMax)).catch((error) =>
    world.violations.push(`after the first release: ${(error as Error).message}`),
  );
  await world.stop(successor, 'SIGTERM');
  const left = segmentsIn(join(env.TELEMETRY_DATA_DIR, 'spool'));
  if (left.length > 0) world.violations.push(`the first release's segments: ${left.join()}`);
  world.violations.push(...new Set(successor.complaints));
}

export const companyFaults: Readonly<Record<string, Fault>> = {
  'another installation beside': { parts: ['neighbour'], run: visit },
  'first release beside': {
    parts: ['postgres', 'network', 'collector', 'access'],
    run: workBeside,
  },
};
