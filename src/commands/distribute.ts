import type { Command } from 'commander';
import { Audit } from '../admin/audit.ts';
import { distribute, type Step } from '../database/cluster/distribute.ts';
import { hasCitus } from '../database/cluster/layout.ts';
import { onlyClusters } from '../database/cluster/nodes.ts';
import { type Requirement, requirements } from '../database/cluster/requirements.ts';
import { dataTables, findDamage } from '../database/expected-tables.ts';
import { buildLaterIndexes } from '../database/later-indexes.ts';
import { StartError } from '../errors.ts';
import { command } from './command.ts';
import { onDatabase, operator } from './on-database.ts';
import type { Report } from './report.ts';

/** What changes rows of one shard alone would be committed there first, without two phases. */
const shardsMin = 2;
const shardsMax = 1024;

const run = onDatabase(async (database, { flags, logger }) => {
  const shards = shardsOf(flags.shards);
  const isDry = flags.dryRun === true;
  const db = database.upkeepDb;
  onlyClusters(await hasCitus(db));
  const needed = await requirements(db);
  const failed = needed.filter(({ state }) => state === 'failed');
  if (failed.length > 0) return report(needed, [], isDry, failed.length);
  const [damage] = await findDamage(db);
  if (damage) {
    throw new StartError(`${damage.reason}: run "gravitas-telemetry migrate" before`);
  }
  if (!isDry) {
    await new Audit(db, logger).record(operator(), 'tables distributed', { shards });
    for (const table of dataTables) await buildLaterIndexes(db, database.rollups, table);
  }
  const startedMs = performance.now();
  const steps = await distribute(db, database.upkeep, shards, isDry);
  return report(needed, steps, isDry, 0, Math.round(performance.now() - startedMs));
});

/** What is needed in one table, and what is done in another. */
function report(
  needed: readonly Requirement[],
  steps: readonly Step[],
  isDry: boolean,
  failed: number,
  ms?: number,
): Report {
  const isDone = !isDry && failed === 0;
  return {
    json: { requirements: needed, steps, distributed: isDone, ...(ms !== undefined && { ms }) },
    shown: [
      needed,
      ...(failed > 0
        ? [`nothing is changed: ${failed} of what is needed of the cluster is missing`]
        : [steps, isDry ? 'nothing is changed: this is what would be done' : `done in ${ms} ms`]),
    ],
    failed: failed > 0,
  };
}

function shardsOf(given: unknown): number {
  const text = String(given ?? 32);
  const shards = Number(text);
  if (/^\d+$/.test(text) && shards >= shardsMin && shards <= shardsMax) return shards;
  throw new StartError(
    `--shards: ${JSON.stringify(text)} is not valid: expects a whole number from ${shardsMin} to ${shardsMax}`,
  );
}

export const distributeCommand = (): Command =>
  command('distribute', 'spread the rows over the workers of a Citus cluster', run, {
    own: [
      [
        '--shards <number>',
        'into so many parts (default 32); it stays as it is once they are spread',
      ],
      ['--dry-run', 'only say what is needed, and what would be done'],
    ],
  });
