import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  renameSync,
  rmdirSync,
  statSync,
} from 'node:fs';
import { join } from 'node:path';
import { canMount } from '../../support/small-disk.ts';
import { comes, type Fault, felt, lasts, untilAllListen, withoutDatabase } from '../fault.ts';
import {
  canLimitFileSize,
  damageNewestSegment,
  hideSpool,
  limitFileSize,
  segmentsIn,
  untilSpooled,
} from '../spool-files.ts';
import type { World } from '../world.ts';

const on = (run: Fault['run']): Fault => ({ parts: ['collector', 'network'], run });
const drainedMsMax = 20_000;

/** Kills the collector while it spools, and starts it again after `work`, the database still away. */
async function killSpooling<T>(world: World, work: () => T): Promise<T> {
  return await withoutDatabase(world, async () => {
    await untilSpooled(world.spoolDirectory);
    await world.stopCollector('SIGKILL');
    const result = work();
    await world.startCollector();
    return result;
  });
}

const writesFail = on(
  felt(['unknown', 'overloaded'], async (world, random) => {
    const allow = limitFileSize(world.collector.pids, random.between(1, 20_000));
    try {
      await withoutDatabase(world, () => lasts(random));
    } finally {
      allow();
    }
  }),
);

const diskFull = on(
  felt(['unknown', 'overloaded'], async (world, random) => {
    try {
      await withoutDatabase(world, async () => {
        world.disk?.fill(random.between(0, 50_000));
        await lasts(random, 300, 1200);
      });
    } finally {
      world.disk?.free();
    }
  }),
);

/** A segment that can't be read until its disk is repaired, which takes a stop. */
const unreadable = on(async (world) => {
  const { spoolDirectory } = world;
  const held = `${spoolDirectory}.unreadable`;
  const name = await killSpooling(world, () => {
    const [oldest] = segmentsIn(spoolDirectory);
    if (oldest === undefined) return undefined;
    renameSync(join(spoolDirectory, oldest), held);
    mkdirSync(join(spoolDirectory, oldest));
    return oldest;
  });
  if (name === undefined) return false;
  const segment = join(spoolDirectory, name);
  const setAside = `${segment}.damaged`;
  const met = await comes(() => existsSync(setAside), drainedMsMax);
  await world.stopCollector('SIGTERM');
  for (const stand of [segment, setAside])
    if (statSync(stand, { throwIfNoEntry: false })?.isDirectory()) rmdirSync(stand);
  renameSync(held, segment);
  await world.startCollector();
  return met;
});

/** Segments that were drained are there again, as after a deletion that did not last. */
const comeBack = on(async (world) => {
  const { spoolDirectory } = world;
  const copies = mkdtempSync(join(world.directory, 'copies-'));
  const names = await killSpooling(world, () => {
    const found = segmentsIn(spoolDirectory);
    for (const name of found) cpSync(join(spoolDirectory, name), join(copies, name));
    return found;
  });
  await comes(() => !names.some((name) => existsSync(join(spoolDirectory, name))), drainedMsMax);
  await world.stopCollector('SIGTERM');
  const gone = names.filter((name) => !existsSync(join(spoolDirectory, name)));
  for (const name of gone) cpSync(join(copies, name), join(spoolDirectory, name));
  await world.startCollector();
  return gone.length > 0;
});

export const spoolFaults: Readonly<Record<string, Fault>> = {
  'collector killed, spool damaged': on(async (world, random) => {
    const damaged = await killSpooling(world, () =>
      damageNewestSegment(world.spoolDirectory, random),
    );
    if (damaged !== undefined) world.damagedSegments.add(damaged);
    return damaged !== undefined;
  }),
  'segment unreadable': unreadable,
  'segments come back': comeBack,
  'spool full': on(
    felt(['overloaded'], async (world, random) => {
      const spoolBytesMax = String(random.between(2000, 60_000));
      await world.stopCollector('SIGTERM');
      await world.startCollector({ TELEMETRY_SPOOL_BYTES_MAX: spoolBytesMax });
      await withoutDatabase(world, () => lasts(random, 500, 1200));
    }),
  ),
  'spool not writable': on(
    felt(['unknown'], async (world, random) => {
      // One that starts would make it anew.
      await untilAllListen(world);
      const show = hideSpool(world.spoolDirectory);
      try {
        await withoutDatabase(world, () => lasts(random));
      } finally {
        show();
      }
    }),
  ),
  ...(canLimitFileSize && { 'spool writes fail': writesFail }),
  ...(canMount && { 'disk full': diskFull }),
};
