import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import pg from 'pg';
import { runningServer } from '../src/postgres/embedded/server.ts';
import { keepPosting, keepStreaming, type Load } from '../test/support/live-load.ts';
import { accountOf, metric } from '../test/support/metrics.ts';
import { spawnCollector } from '../test/support/process.ts';
import { temporaryDirectory } from '../test/support/temporary-directory.ts';
import { numberOption } from './support/numbers.ts';

/**
 * How fast the spool is drained, alone and beside clients that send as fast as they are
 * acknowledged, and what that costs them; and how long it takes after an outage, during which and
 * after which clients stream half of what they can. The collector, its embedded PostgreSQL and the
 * clients share the machine. Prints one JSON line for each case.
 */
const { values } = parseArgs({
  options: {
    /** Of the outage before each case. */
    'outage-seconds': { type: 'string', default: '3' },
    'seconds-max': { type: 'string', default: '120' },
    /** The last cases only: so many outages. */
    half: { type: 'string' },
  },
});
const outageMs = 1000 * numberOption('outage-seconds', values['outage-seconds']);
const secondsMax = numberOption('seconds-max', values['seconds-max']);

const directory = temporaryDirectory();
const dataDirectory = join(directory.path, 'data');
const { port, baseUrl, end } = await spawnCollector({
  DATABASE_URL: '',
  TELEMETRY_DATA_DIR: dataDirectory,
});
const server = runningServer(dataDirectory) as pg.ClientConfig;
const admin = new pg.Client({ ...server, database: 'template1' });
await admin.connect();

/** What the spool holds. */
const fills: Record<string, () => Load> = {
  'batches of 1,000': () => keepStreaming(port, 2, 1000),
  'batches of 1': () => keepStreaming(port, 8, 1),
};
const event = { event_type: 'LIVE', component: 'L1', value: 12.5, metadata: { gpu_id: 0 } };
/** What arrives while it is drained. */
const loads: Record<string, () => Load> = {
  streams: () => keepStreaming(port, 2, 1000),
  posts: () => keepPosting(port, 64, () => event),
};

async function setDatabaseOpen(isOpen: boolean): Promise<void> {
  await admin.query(`alter database ${server.database} allow_connections ${isOpen}`);
  if (!isOpen) {
    const terminate = 'select pg_terminate_backend(pid) from pg_stat_activity where datname = $1';
    await admin.query(terminate, [server.database]);
  }
}

const rate = (records: number, ms: number) => Math.round((1000 * records) / ms);
const spoolBytes = () => metric(baseUrl, 'telemetry_spool_bytes');

/** Records of a load a second while nothing is drained. */
async function undisturbed(start: () => Load): Promise<number> {
  const load = start();
  await sleep(2000);
  const [before, startedAt] = [load.counts.committed, performance.now()];
  await sleep(5000);
  const perSecond = rate(load.counts.committed - before, performance.now() - startedAt);
  await load.stop();
  return perSecond;
}

/** Clients that stream so much before, during and after an outage: how long what they left takes. */
async function outlast(perSecond: number): Promise<object> {
  while ((await accountOf(baseUrl)).pending > 0) await sleep(50);
  const load = keepStreaming(port, 2, 1000, perSecond);
  await sleep(2000);
  await setDatabaseOpen(false);
  await sleep(outageMs);
  const megabytes = Math.round((await spoolBytes()) / 1e6);
  const { committed } = load.counts;
  await setDatabaseOpen(true);
  const startedAt = performance.now();
  const elapsedMs = () => performance.now() - startedAt;
  while ((await spoolBytes()) > 0 && elapsedMs() < 1000 * secondsMax) await sleep(50);
  const ms = elapsedMs();
  const counts = { ...load.counts };
  await load.stop();
  return {
    offered_per_second: perSecond,
    outage_seconds: outageMs / 1000,
    spool_megabytes: megabytes,
    drain_seconds: Math.round(ms / 100) / 10,
    of_outage: Math.round((100 * ms) / outageMs) / 100,
    drained_per_second: rate(counts.spooled, ms),
    live_per_second: rate(counts.committed - committed, ms),
    counts,
  };
}

/** Fills the spool by an outage under one load, and drains it under another. */
async function drain(fill: () => Load, live?: () => Load): Promise<object> {
  while ((await accountOf(baseUrl)).pending > 0) await sleep(50);
  await setDatabaseOpen(false);
  const filling = fill();
  await sleep(outageMs);
  await filling.stop();
  const [megabytes, spooled] = [(await spoolBytes()) / 1e6, (await accountOf(baseUrl)).pending];
  const load = live?.();
  await setDatabaseOpen(true);
  const startedAt = performance.now();
  const seconds = () => (performance.now() - startedAt) / 1000;
  // What live traffic adds to the spool is drained too.
  while ((await spoolBytes()) > 0 && seconds() < secondsMax) await sleep(50);
  const ms = performance.now() - startedAt;
  const counts = { ...load?.counts };
  const left = (await accountOf(baseUrl)).pending;
  await load?.stop();
  return {
    spooled_records: spooled,
    spool_megabytes: Math.round(megabytes),
    left_records: left,
    drain_seconds: Math.round(ms / 100) / 10,
    drained_per_second: rate(spooled + (counts.spooled ?? 0) - left, ms),
    ...(load && { live_per_second: rate(counts.committed ?? 0, ms), live: counts }),
  };
}

const report = (result: object) => console.log(JSON.stringify(result));

async function drainBesideAll(): Promise<void> {
  for (const [live, start] of Object.entries(loads)) {
    report({ live, undisturbed_per_second: await undisturbed(start) });
  }
  for (const [spool, fill] of Object.entries(fills)) {
    report({ spool, beside: 'nothing', ...(await drain(fill)) });
    for (const [beside, live] of Object.entries(loads)) {
      report({ spool, beside, ...(await drain(fill, live)) });
    }
  }
}

if (values.half === undefined) await drainBesideAll();
for (let round = 1; round <= numberOption('half', values.half ?? '1'); round++) {
  const fully = await undisturbed(() => keepStreaming(port, 8, 1000));
  report({ streams: 'at half', undisturbed_per_second: fully, ...(await outlast(fully / 2)) });
}
await admin.end();
await end('SIGTERM');
directory.remove();
