import type { Command } from 'commander';
import { Audit } from '../admin/audit.ts';
import { createRollupWriter } from '../commit/rollup-writer.ts';
import type { DatabaseService } from '../database/database-service.ts';
import type { Leaf } from '../retention/leaves.ts';
import { type RetentionOptions, retentionOptions } from '../retention/options.ts';
import { type DropReason, Retention } from '../retention/retention.ts';
import { tooLarge } from '../retention/size.ts';
import { createRollups } from '../rollup/create-rollups.ts';
import { command } from './command.ts';
import { type Asked, onDatabase, operator } from './on-database.ts';
import type { Report } from './report.ts';

const retain = onDatabase(async (database, asked) => {
  const options = await retentionOptions(asked.config);
  return asked.flags.dryRun === true
    ? await showPlan(database, asked, options)
    : await removeOld(database, asked, options);
});

function createRetention(
  database: DatabaseService,
  { config }: Asked,
  options: RetentionOptions,
  dropped: (leaf: Leaf, reason: DropReason) => void,
  deleted: (table: string, rows: number) => void,
): Retention {
  const { series } = createRollups(database.rollups, config.rollupSeriesMax);
  const rollups = { writer: createRollupWriter(database.rollups), series };
  return new Retention(database.upkeep, rollups, options, { dropped, deleted });
}

const shownLeaf = ({ table, name, fromMs, toMs, bytes }: Leaf) => ({
  table,
  partition: name,
  from: fromMs === -Infinity ? null : new Date(fromMs).toISOString(),
  to: new Date(toMs).toISOString(),
  bytes,
});

async function showPlan(
  database: DatabaseService,
  asked: Asked,
  options: RetentionOptions,
): Promise<Report> {
  const nothing = () => {};
  const plan = await createRetention(database, asked, options, nothing, nothing).plan();
  const bytesMax = options.bytesMax === Infinity ? null : options.bytesMax;
  const sized = await tooLarge(database.upkeepDb, options, plan);
  const due = [
    ...plan.aged.map((leaf) => ({ ...shownLeaf(leaf), reason: 'age' })),
    ...sized.map((leaf) => ({ ...shownLeaf(leaf), reason: 'size' })),
  ];
  const held = plan.held.map((leaf) => ({ ...shownLeaf(leaf), kept: leaf.hold }));
  const limit = bytesMax === null ? 'without a limit' : `of at most ${bytesMax}`;
  return {
    json: { due, kept: held, bytes: plan.bytes, bytes_max: bytesMax },
    shown: [
      due,
      `${due.length} partitions are due, ${held.length} are as old and kept:`,
      held,
      `all tables take ${plan.bytes} bytes, ${limit}`,
    ],
  };
}

async function removeOld(
  database: DatabaseService,
  asked: Asked,
  options: RetentionOptions,
): Promise<Report> {
  const dropped: object[] = [];
  const deleted: { table: string; rows: number }[] = [];
  const retention = createRetention(
    database,
    asked,
    options,
    (leaf, reason) => dropped.push({ ...shownLeaf(leaf), reason }),
    (table, rows) => deleted.push({ table, rows }),
  );
  await new Audit(database.upkeepDb, asked.logger).record(operator(), 'retention run', {});
  const pass = await retention.run(new AbortController().signal);
  if (!pass) {
    return { json: { busy: true }, shown: ['a collector is at it right now'], failed: true };
  }
  const { bytes, obstacles } = pass;
  return {
    json: { dropped, deleted, bytes, obstacles },
    shown: [
      dropped,
      `the rows of ${dropped.length} partitions are dropped`,
      deleted,
      ...obstacles,
      `all tables take ${bytes} bytes`,
    ],
    failed: obstacles.length > 0,
  };
}

export const retentionCommand = (): Command =>
  command('retention', 'remove what is older than it is to be kept, as a collector does', retain, {
    own: [['--dry-run', 'only say what would be removed, and what is kept']],
  });
