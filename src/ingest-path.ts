import type pg from 'pg';
import { Counter, type Registry } from 'prom-client';
import { Ingest, type IngestOptions } from './accept/ingest.ts';
import { announced, announcing } from './buffer/announce.ts';
import { timeCommits } from './buffer/commit-times.ts';
import { Drain } from './buffer/drain.ts';
import { CommitOrSpool } from './buffer/fallback.ts';
import { IngestBuffer } from './buffer/ingest-buffer.ts';
import { IntakeWatch } from './buffer/intake-watch.ts';
import type { LeftSpools } from './buffer/left-spools.ts';
import { Outage } from './buffer/outage.ts';
import type { Spool } from './buffer/spool/spool.ts';
import type { Bookkeeping } from './commit/bookkeeping.ts';
import { GroupCommitter } from './commit/group-committer.ts';
import { createRollupWriter } from './commit/rollup-writer.ts';
import { Writer } from './commit/writer.ts';
import type { Config } from './config.ts';
import { batchIdAgeMsMax, batchIdAheadMsMax } from './database/ledger-span.ts';
import { Accounting } from './observe/accounting.ts';
import type { Clock } from './observe/clock.ts';
import { gaugesOf } from './observe/gauge.ts';
import type { Health, HealthPart } from './observe/health.ts';
import type { Logger } from './observe/logger.ts';
import type { LivePrices } from './prices/live-prices.ts';
import { createRollups } from './rollup/create-rollups.ts';
import { RollupJob } from './rollup/rollup-job.ts';
import type { RollupAccess } from './rollup/state.ts';
import { dayMs, minuteMs } from './units.ts';

/** Larger unary batches travel with the streams, so that they do not delay small requests. */
const unaryRowsMax = 100;

/** The stations of a batch after it is read, from the first to the last. */
export interface IngestPath {
  /** Validates and encodes. */
  readonly ingest: Ingest;
  /** Says what usage costs. */
  readonly prices: LivePrices;
  /** Gathers batches into groups. */
  readonly buffer: IngestBuffer;
  /** Takes the groups that the database does not. */
  readonly spool: Spool;
  /** Finds out when it takes them again. */
  readonly outage: Outage;
  /** Brings those to the database when it is back. */
  readonly drain: Drain;
  /** What processes have left that there are no more. */
  readonly left: LeftSpools;
  /** Has what they left drained. */
  readonly drainLeft: () => void;
  /** Tells when nothing can be taken. */
  readonly intake: IntakeWatch;
  /** Writes. */
  readonly writer: Writer;
  /** What is written beside rows. */
  readonly books: Bookkeeping;
  /** Rolls them up. */
  readonly rollupJob: RollupJob;
  /** For others who change what is rolled up. */
  readonly rollups: RollupAccess;
  /** Counts. */
  readonly accounting: Accounting;
}

/** What is on disk. */
export interface Spools {
  readonly spool: Spool;
  readonly left: LeftSpools;
  /** Where those are. */
  readonly directories: readonly string[];
}

/** What it is made of. */
interface Given {
  readonly config: Config;
  readonly database: { readonly writers: pg.Pool; readonly rollups: pg.Pool };
  readonly spools: Spools;
  readonly prices: LivePrices;
  readonly clock: Clock;
  readonly health: Health;
  readonly registry: Registry;
  readonly logger: Logger;
}

export function createIngestPath(given: Given): IngestPath {
  const { config, prices, clock, health, registry, logger } = given;
  const { writers, rollups: rollupPool } = given.database;
  const { spool, left } = given.spools;
  const accounting = new Accounting(registry);
  const writer = new Writer(writers);
  const { series, fresh } = createRollups(rollupPool, config.rollupSeriesMax);
  const rollupWriter = createRollupWriter(rollupPool);
  const rollupJob = new RollupJob(rollupPool, rollupWriter, series, health, logger, registry);
  const books: Bookkeeping = { fresh, pricer: prices.pricer };
  const ofCallers = new GroupCommitter(writer, 'callers', books);
  const ofSpool = new GroupCommitter(writer, 'spool', books);
  const outage = new Outage(ofCallers.probeKinds, health);
  const options = { sharesDisk: config.databaseUrl === '' };
  const timed = timeCommits(registry);
  const commit = timed(announced(ofCallers.commit, logger), 'callers');
  const fallback = new CommitOrSpool(commit, spool, outage, options);
  const announcer = announcing(ofSpool, logger);
  const committer = { ...announcer, commit: timed(announcer.commit, 'spool') };
  const createDrain = (from: Spool, part: HealthPart) =>
    new Drain(from, committer, outage, { ...config, part }, accounting, health, logger);
  const intake = new IntakeWatch(spool, outage, options, health);
  const buffer = createBuffer(config, fallback, accounting);
  measure(buffer, spool, left, registry);
  const ingest = new Ingest(
    buffer,
    { ...ingestOptions(config), pricer: prices.pricer },
    accounting,
    clock,
  );
  return {
    ingest,
    prices,
    buffer,
    spool,
    outage,
    drain: createDrain(spool, 'drain'),
    left,
    drainLeft: () => left.start((each) => createDrain(each, 'spools left')),
    intake,
    writer,
    books,
    rollupJob,
    rollups: { writer: rollupWriter, series },
    accounting,
  };
}

function createBuffer(
  config: Config,
  fallback: CommitOrSpool,
  accounting: Accounting,
): IngestBuffer {
  const group = {
    groupRowsMax: config.groupRowsMax,
    groupBytesMax: config.groupBytesMax,
    groupAgeMsMax: config.groupAgeMsMax,
  };
  const unaryBytes = config.bufferBytesMax / 4;
  return new IngestBuffer(
    {
      unary: {
        ...group,
        // Its callers wait: what comes while the one writer is busy is the next group.
        groupAgeMsMax: 0,
        writers: 1,
        budgetBytes: unaryBytes,
      },
      stream: {
        ...group,
        writers: config.writers,
        budgetBytes: config.bufferBytesMax - unaryBytes,
      },
    },
    {
      unary: (batches) => fallback.store(batches, config.commitMsMax),
      stream: (batches) => fallback.store(batches, config.streamCommitMsMax),
    },
    accounting,
  );
}

function ingestOptions(config: Config): IngestOptions {
  return {
    eventTime: {
      ageMsMax: config.eventAgeDaysMax * dayMs,
      aheadMsMax: config.eventAheadMinutesMax * minuteMs,
    },
    batchIdTime: { ageMsMax: batchIdAgeMsMax, aheadMsMax: batchIdAheadMsMax },
    batchRowsMax: config.batchRowsMax,
    unaryMsMax: config.unaryMsMax,
    unaryRowsMax,
  };
}

function measure(buffer: IngestBuffer, spool: Spool, left: LeftSpools, registry: Registry): void {
  const gauge = gaugesOf(registry);
  gauge('telemetry_buffer_batches', 'Batches held in memory.', () => buffer.depth);
  gauge('telemetry_buffer_bytes', 'Bytes of encoded rows held in memory.', () => buffer.bytes);
  gauge('telemetry_spool_bytes', 'Bytes of the spool on disk.', () => spool.bytes + left.bytes);
  gauge(
    'telemetry_spool_damaged_bytes',
    'Bytes of segments that were set aside because something in them is damaged.',
    () => spool.setAside.bytes,
  );
  new Counter({
    name: 'telemetry_spool_damaged_files_dropped_total',
    help: 'Segments that were set aside and deleted later, to make room.',
    registers: [registry],
    collect() {
      this.reset();
      this.inc(spool.setAside.dropped);
    },
  });
}
