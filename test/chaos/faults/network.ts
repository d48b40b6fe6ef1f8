import pg from 'pg';
import { pgbouncer, startPgBouncer } from '../../support/pgbouncer.ts';
import { comes, type Fault, felt, lasts, type Part, withoutDatabase } from '../fault.ts';
import { commitCuts, type FaultyNetwork } from '../faulty-network.ts';
import { idleRole, role } from '../postgres.ts';
import type { Random } from '../random.ts';
import type { World } from '../world.ts';

const commitsCutMsMax = 2000;

const on = (part: Part, run: Fault['run']): Fault => ({ parts: [part], run });

/** Befalls the connections there are; none is none. */
const onLinks = (part: 'network' | 'access', hit: (network: FaultyNetwork) => void): Fault =>
  on(part, async (world) => {
    const { links } = world[part];
    hit(world[part]);
    return links > 0;
  });

const halfClosed = (part: 'network' | 'access') =>
  on(part, async (world, random) => {
    const { links } = world[part];
    world[part].halfClose(random.pick(['client', 'server']));
    return links > 0;
  });

/** What others leave behind on the connections that a pooler gives to us next. */
const foreignSettings = `
  set synchronous_commit = off; set default_transaction_read_only = on;
  set statement_timeout = '5ms'; set lock_timeout = '1ms'; set search_path = pg_catalog;
  set default_transaction_isolation = serializable; set DateStyle = 'German, DMY';
  set quote_all_identifiers = on; set role = ${idleRole}`;
const foreignClients = 6;

async function leaveSettings(port: number): Promise<void> {
  const connectionString = `postgresql://${role}@127.0.0.1:${port}/chaos`;
  const clients = Array.from(
    { length: foreignClients },
    () => new pg.Client({ connectionString, connectionTimeoutMillis: 1000 }),
  );
  await Promise.all(
    clients.map(async (client) => {
      client.on('error', () => {});
      try {
        await client.connect();
        await client.query(foreignSettings);
      } catch {
        // Other faults befall them as they do us.
      } finally {
        await client.end().catch(() => {});
      }
    }),
  );
}

/** A pooler, in transaction mode, comes between; the next time it is killed, or goes. */
async function changePooler(world: World, random: Random): Promise<boolean> {
  const { network, postgres, deliveries } = world;
  const { committed } = deliveries;
  const former = world.pooler;
  const stays = former === undefined || random.chance(0.5);
  await former?.stop('SIGKILL');
  world.pooler = stays ? await startPgBouncer(postgres.socketDirectory, [role]) : undefined;
  const { pooler } = world;
  network.targets = [
    pooler ? { host: '127.0.0.1', port: pooler.port } : { path: postgres.socketPath },
  ];
  network.drop();
  if (pooler) await leaveSettings(pooler.port);
  return await comes(() => deliveries.committed > committed, 4000);
}

export const networkFaults: Readonly<Record<string, Fault>> = {
  'network dropped': onLinks('network', (network) => network.drop()),
  'network refused': on(
    'network',
    felt(['spooled'], (world, random) => withoutDatabase(world, () => lasts(random))),
  ),
  'network stalled': on('network', async ({ network }, random) => {
    const { links } = network;
    network.stall(true);
    await lasts(random, 100, 1500);
    if (random.chance(0.5)) network.drop();
    network.stall(false);
    return links > 0;
  }),
  'network silent': onLinks('network', (network) => network.silence()),
  'network swallows everything': on(
    'network',
    felt(['spooled'], async ({ network }, random) => {
      network.swallow(true);
      await lasts(random, 400, 2500);
      network.swallow(false);
    }),
  ),
  'network half-closed': halfClosed('network'),
  'commit cut': on('network', async ({ network }, random) => {
    const { commitsCut } = network;
    network.cutCommits(Array.from({ length: random.between(1, 4) }, () => random.pick(commitCuts)));
    await comes(() => network.cutsLeft === 0, commitsCutMsMax);
    network.cutCommits([]);
    return network.commitsCut > commitsCut;
  }),
  ...(pgbouncer && { 'pooler comes, is killed or goes': on('network', changePooler) }),
  'clients dropped': onLinks('access', (access) => access.drop()),
  'clients stalled': on('access', async ({ access }, random) => {
    const { links } = access;
    access.stall(true);
    await lasts(random);
    access.stall(false);
    return links > 0;
  }),
  'clients silent': onLinks('access', (access) => access.silence()),
  'clients half-closed': halfClosed('access'),
};
