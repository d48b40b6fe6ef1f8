import { setTimeout as sleep } from 'node:timers/promises';
import type { Environment } from '../../src/config.ts';
import { canMount, type SmallDisk } from '../support/small-disk.ts';
import type { CollectorProcess } from './collector-process.ts';
import { commitCuts, type FaultyNetwork } from './faulty-network.ts';
import type { Postgres } from './postgres.ts';
import type { Random } from './random.ts';
import {
  canLimitFileSize,
  damageNewestSegment,
  hideSpool,
  limitFileSize,
  untilSpooled,
} from './spool-files.ts';

/** What faults befall. */
export interface World {
  readonly postgres: Postgres;
  /** Between the collector and PostgreSQL. */
  readonly network: FaultyNetwork;
  readonly collector: CollectorProcess;
  /** Between the clients and the collector. */
  readonly access: FaultyNetwork;
  readonly spoolDirectory: string;
  /** Where the spool is, if that is a disk of its own. */
  readonly disk: SmallDisk | undefined;
  /** The files that were damaged, which are to be set aside. */
  readonly damagedSegments: Set<number>;
  /** Records that the collectors stopped so far found to be duplicates. */
  duplicates: number;
  /** Damaged segments that they deleted to stay within bounds. */
  droppedSegments: number;
  stopCollector(signal: 'SIGTERM' | 'SIGKILL'): Promise<void>;
  startCollector(env?: Environment): Promise<void>;
}

type Part = 'postgres' | 'network' | 'collector' | 'access';

export interface Fault {
  /** Faults of different parts may overlap. */
  readonly parts: readonly Part[];
  /** Begins, lasts for as long as the random numbers say, and ends. */
  readonly run: (world: World, random: Random) => Promise<void>;
}

const minuteMs = 60_000;
const dayMs = 1440 * minuteMs;

const settingsAgainstUs = [
  'synchronous_commit = off',
  'default_transaction_read_only = on',
  'default_transaction_isolation = serializable',
  "statement_timeout = '50ms'",
  "lock_timeout = '1ms'",
  "idle_in_transaction_session_timeout = '1ms'",
  "DateStyle = 'German, DMY'",
];

const on = (part: Part, run: Fault['run']): Fault => ({ parts: [part], run });
const lasts = (random: Random, min = 50, max = 900) => sleep(random.between(min, max));

const endPostgres = (signal: 'SIGKILL' | 'SIGQUIT' | 'SIGINT') =>
  on('postgres', async ({ postgres }, random) => {
    await postgres.end(signal);
    await lasts(random);
    await postgres.start();
  });

const alterDatabase = (begin: string, end: string) =>
  on('postgres', async ({ postgres }, random) => {
    await postgres.alterDatabase(begin);
    await lasts(random);
    await postgres.alterDatabase(end);
  });

/** Cuts the database off, which nothing but the network can do while PostgreSQL is well. */
async function withoutDatabase(world: World, work: () => Promise<void>): Promise<void> {
  world.network.refuse(true);
  world.network.drop();
  try {
    await work();
  } finally {
    world.network.refuse(false);
  }
}

const spoolWritesFail: Fault = {
  parts: ['collector', 'network'],
  run: async (world, random) => {
    const allow = limitFileSize(world.collector.pid, random.between(1, 20_000));
    try {
      await withoutDatabase(world, () => lasts(random));
    } finally {
      allow();
    }
  },
};

const diskFull: Fault = {
  parts: ['collector', 'network'],
  run: async (world, random) => {
    try {
      await withoutDatabase(world, async () => {
        world.disk?.fill(random.between(0, 50_000));
        await lasts(random, 300, 1200);
      });
    } finally {
      world.disk?.free();
    }
  },
};

/** Every kind of fault there is. */
export const faults: Readonly<Record<string, Fault>> = {
  'collector killed': on('collector', async (world, random) => {
    await world.stopCollector('SIGKILL');
    await lasts(random, 0, 400);
    await world.startCollector();
  }),
  'collector terminated': on('collector', async (world) => {
    await world.stopCollector('SIGTERM');
    await world.startCollector();
  }),
  'collector frozen': on('collector', async ({ collector }, random) => {
    collector.freeze();
    await lasts(random, 100, 1500);
    collector.thaw();
  }),
  'clock jumps': on('collector', async ({ collector }, random) => {
    // Within what batch ids may differ: an hour ahead of the collector's clock, 14 days behind it.
    collector.setClock(random.between(-50 * minuteMs, 13 * dayMs));
    await lasts(random);
    collector.setClock(0);
  }),
  'collector killed, spool damaged': {
    parts: ['collector', 'network'],
    run: (world, random) =>
      withoutDatabase(world, async () => {
        await untilSpooled(world.spoolDirectory);
        await world.stopCollector('SIGKILL');
        const damaged = damageNewestSegment(world.spoolDirectory, random);
        if (damaged !== undefined) world.damagedSegments.add(damaged);
        await world.startCollector();
      }),
  },
  'spool full': {
    parts: ['collector', 'network'],
    run: async (world, random) => {
      const spoolBytesMax = String(random.between(2000, 60_000));
      await world.stopCollector('SIGTERM');
      await world.startCollector({ TELEMETRY_SPOOL_BYTES_MAX: spoolBytesMax });
      await withoutDatabase(world, () => lasts(random, 500, 1200));
    },
  },
  'spool not writable': {
    parts: ['collector', 'network'],
    run: async (world, random) => {
      const show = hideSpool(world.spoolDirectory);
      try {
        await withoutDatabase(world, () => lasts(random));
      } finally {
        show();
      }
    },
  },
  ...(canLimitFileSize && { 'spool writes fail': spoolWritesFail }),
  ...(canMount && { 'disk full': diskFull }),
  'PostgreSQL killed': endPostgres('SIGKILL'),
  'PostgreSQL stopped at once': endPostgres('SIGQUIT'),
  'PostgreSQL restarted': endPostgres('SIGINT'),
  'backend killed': on('postgres', async ({ postgres }, random) => {
    const pids = await postgres.backends();
    if (pids.length > 0) process.kill(random.pick(pids), 'SIGKILL');
    await lasts(random, 50, 300);
    await postgres.untilAnswering();
  }),
  'sessions terminated': on('postgres', ({ postgres }) => postgres.terminateBackends()),
  'settings against us': on('postgres', async ({ postgres }, random) => {
    for (const setting of settingsAgainstUs) await postgres.alterDatabase(`set ${setting}`);
    await lasts(random);
    await postgres.alterDatabase('reset all');
  }),
  'may not write': on('postgres', async ({ postgres }, random) => {
    const table = random.pick(['system_telemetry', 'usage_stats', 'batch_ledger']);
    await postgres.admin(`revoke insert on ${table} from telemetry`);
    await lasts(random);
    await postgres.admin(`grant insert on ${table} to telemetry`);
  }),
  'database closed': alterDatabase('allow_connections false', 'allow_connections true'),
  'too many connections': alterDatabase('connection limit 0', 'connection limit -1'),
  'table locked': on('postgres', ({ postgres }, random) =>
    postgres.session(async (client) => {
      const table = random.pick(['system_telemetry', 'usage_stats', 'batch_ledger']);
      await client.query(
        `begin; lock table ${table} in ${random.pick(['share', 'exclusive'])} mode`,
      );
      await lasts(random, 100, 2500);
      await client.query('rollback');
    }),
  ),
  'network dropped': on('network', async ({ network }) => network.drop()),
  'network refused': on('network', (world, random) => withoutDatabase(world, () => lasts(random))),
  'network stalled': on('network', async ({ network }, random) => {
    network.stall(true);
    await lasts(random, 100, 1500);
    if (random.chance(0.5)) network.drop();
    network.stall(false);
  }),
  'network silent': on('network', async ({ network }) => network.silence()),
  'network half-closed': on('network', async ({ network }, random) =>
    network.halfClose(random.pick(['client', 'server'])),
  ),
  'commit cut': on('network', async ({ network }, random) => {
    network.cutCommits(Array.from({ length: random.between(1, 4) }, () => random.pick(commitCuts)));
    for (let waitedMs = 0; network.cutsLeft > 0 && waitedMs < 2000; waitedMs += 20) await sleep(20);
    network.cutCommits([]);
  }),
  'clients dropped': on('access', async ({ access }) => access.drop()),
  'clients stalled': on('access', async ({ access }, random) => {
    access.stall(true);
    await lasts(random);
    access.stall(false);
  }),
  'clients silent': on('access', async ({ access }) => access.silence()),
  'clients half-closed': on('access', async ({ access }, random) =>
    access.halfClose(random.pick(['client', 'server'])),
  ),
};
