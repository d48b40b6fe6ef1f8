import { existsSync } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Registry } from 'prom-client';
import { announcing } from '../buffer/announce.ts';
import { batchRows } from '../buffer/batch.ts';
import { Drain } from '../buffer/drain.ts';
import { Outage } from '../buffer/outage.ts';
import { isSegment } from '../buffer/spool/files.ts';
import { everyPlace } from '../buffer/spool/places.ts';
import { readSegment } from '../buffer/spool/record.ts';
import { Spool } from '../buffer/spool/spool.ts';
import { GroupCommitter } from '../commit/group-committer.ts';
import { Writer } from '../commit/writer.ts';
import type { Config } from '../config.ts';
import type { DatabaseService } from '../database/database-service.ts';
import { StartError, wholeMessage } from '../errors.ts';
import { Accounting } from '../observe/accounting.ts';
import { Health } from '../observe/health.ts';
import type { Logger } from '../observe/logger.ts';
import { uuidV7TimeMs } from '../uuid.ts';
import { bookkeepingOf } from './bookkeeping.ts';

/** The spool of a data directory, or the directory itself where it is one. */
export function spoolDirectory(directory: string): string {
  const within = join(directory, 'spool');
  const path = existsSync(within) ? within : directory;
  if (!existsSync(path)) throw new StartError(`there is no directory ${directory}`);
  return path;
}

/** The segments of a spool, those of further processes among them, which have folders in it. */
async function segmentsOf(directory: string): Promise<string[]> {
  const found = everyPlace(directory).map(async (place) => {
    const names = (await readdir(place)).filter(isSegment).sort();
    return names.map((name) => join(place, name));
  });
  return (await Promise.all(found)).flat();
}

/** What a spool holds, which may change while it is read. */
export async function spoolStatus(directory: string): Promise<Record<string, unknown>> {
  const status = { segments: 0, bytes: 0, batches: 0, records: 0, damaged: 0, unreadable: 0 };
  let oldestMs = Infinity;
  for (const path of await segmentsOf(directory)) {
    const bytes = await readFile(path).catch((error) => {
      // One that was drained just now is gone.
      if (error.code !== 'ENOENT') status.unreadable += 1;
    });
    if (!bytes) continue;
    const { batches, damaged } = readSegment(bytes);
    status.segments += 1;
    status.bytes += bytes.length;
    status.batches += batches.length;
    status.records += batches.reduce((sum, batch) => sum + batchRows(batch), 0);
    status.damaged += damaged;
    for (const { id } of batches) oldestMs = Math.min(oldestMs, uuidV7TimeMs(id));
  }
  return { directory, ...status, oldest: oldestMs < Infinity ? new Date(oldestMs) : undefined };
}

/** Stores what the spools of a collector that is gone hold; resolves with what became of it. */
export async function drainSpools(
  directory: string,
  database: DatabaseService,
  config: Config,
  logger: Logger,
): Promise<Record<string, number>> {
  const registry = new Registry();
  const accounting = new Accounting(registry);
  for (const place of everyPlace(directory)) {
    await drainSpool(place, database, config, accounting, logger);
  }
  return await outcomes(registry);
}

async function drainSpool(
  directory: string,
  database: DatabaseService,
  config: Config,
  accounting: Accounting,
  logger: Logger,
): Promise<void> {
  const health = new Health(logger);
  const { spoolBytesMax: bytesMax } = config;
  const spool = await Spool.open({ directory, bytesMax, diskReserveBytes: 0, logger });
  try {
    const books = bookkeepingOf(database, config);
    const committer = new GroupCommitter(new Writer(database.writers), 'spool', books);
    const drain = new Drain(
      spool,
      announcing(committer, logger),
      new Outage(committer.probeKinds, health),
      config,
      accounting,
      health,
      logger,
    );
    await committer.probeKinds(['event', 'usage']).catch((error) => {
      throw new StartError(`the database takes no data: ${wholeMessage(error)}`, { cause: error });
    });
    await drain.finish();
  } finally {
    await spool.close();
  }
}

async function outcomes(registry: Registry): Promise<Record<string, number>> {
  const counts: Record<string, number> = {};
  const settled = await registry.getSingleMetric('telemetry_records_settled_total')?.get();
  for (const { labels, value } of settled?.values ?? []) {
    const outcome = String(labels.outcome);
    counts[outcome] = (counts[outcome] ?? 0) + value;
  }
  return counts;
}
