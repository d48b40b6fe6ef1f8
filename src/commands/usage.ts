import type { Command } from 'commander';
import { Audit } from '../admin/audit.ts';
import { type CostDifference, reprice } from '../admin/reprice.ts';
import { StartError } from '../errors.ts';
import { decimalText, parseDecimal } from '../prices/decimal.ts';
import { OwnPricesFile } from '../prices/own-file.ts';
import { Pricer } from '../prices/pricer.ts';
import { type Editions, editions } from '../prices/shown.ts';
import { explainUsage } from '../query/explain.ts';
import { connectionFlags, connectionOf, isTyped } from './api/api-command.ts';
import type { Connection } from './api/connection.ts';
import { usageRecordsCommand } from './api/events.ts';
import { usageSummaryCommand } from './api/summaries.ts';
import { command, commandGroup, type Run, type Typed } from './command.ts';
import { onDatabase, operator } from './on-database.ts';
import { editionLines } from './prices.ts';
import type { Report } from './report.ts';
import { readTime } from './times.ts';

/** By the database, or by a collector where somebody names one and no database. */
function explainCommand(): Command {
  const made = command(
    'explain <id>',
    'which rule, which price, which arithmetic',
    async (config, logger, typed) =>
      typed.flags.url === undefined || (config.databaseUrl !== '' && !isTyped(made, 'url'))
        ? await explainStored(config, logger, typed)
        : await explainOver(connectionOf(made), typed),
    {
      own: [['--at <time>', 'when the call was made, give or take an hour: then it is found soon']],
    },
  );
  for (const option of connectionFlags) made.addOption(option);
  return made;
}

const madeAt = ({ flags }: Typed): Date | undefined =>
  flags.at === undefined ? undefined : readTime('--at', String(flags.at));

async function explainOver(connection: Connection, typed: Typed): Promise<Report> {
  const [id = ''] = typed.args;
  const time = madeAt(typed)?.toISOString();
  const parameters = new URLSearchParams({ id, ...(time && { time }) });
  const { text } = await connection.get('/v1/telemetry/usage/explain', parameters);
  const { explanation, price_list: list, own_prices: own } = JSON.parse(text);
  return explained(explanation, { list, ...(own && { own }) });
}

const explainStored: Run = async (config, logger, typed) => {
  const { prices } = new OwnPricesFile(config.pricesFile);
  const aroundMs = madeAt(typed)?.getTime();
  const work = onDatabase(async (database, { args: [id = ''] }) => {
    const pricer = new Pricer(() => prices);
    const { explanation } = await explainUsage(database.reader, pricer, id, aroundMs);
    return explained(explanation, editions(prices));
  });
  return await work(config, logger, typed);
};

const explained = (explanation: readonly string[], used: Editions): Report => ({
  json: { explanation, ...used },
  shown: [...explanation, ...editionLines(used)],
});

const repriceUsage: Run = async (config, logger, typed) => {
  const options = repriceOptions(typed.flags as Record<string, string | undefined>);
  const { prices } = new OwnPricesFile(config.pricesFile);
  const work = onDatabase(async (database) => {
    if (!options.dryRun) {
      const audit = new Audit(database.upkeepDb, logger);
      const { version: own } = prices;
      await audit.record(operator(), 'usage repriced', { ...options, own });
    }
    let [rows, changed, priced, sum] = [0, 0, 0, 0n];
    for await (const step of reprice(database.upkeepDb, new Pricer(() => prices), options)) {
      rows += step.rows;
      changed += step.differences.length;
      priced += step.differences.filter(({ before }) => before === null).length;
      sum += sumOf(step.differences);
    }
    const verb = options.dryRun ? 'would change' : 'changed';
    const [sign, cost] = sum < 0n ? ['-', decimalText(-sum)] : ['', decimalText(sum)];
    const used = editions(prices);
    return {
      json: { ...options, rows, changed, priced, cost_difference_usd: `${sign}${cost}`, ...used },
      shown: [
        `${rows} records without a cost of their client's own, of which ${changed} ${verb}`,
        `${priced} of them had no cost before; in all the costs differ by ${sign}$${cost}`,
        ...editionLines(used),
      ],
    };
  });
  return await work(config, logger, typed);
};

export const usageCommands = (): Command =>
  commandGroup('usage', 'stored model calls', [
    usageRecordsCommand(),
    explainCommand(),
    command('reprice', 'compute costs anew that no client has said', repriceUsage, {
      own: [
        ['--since <time>', 'from this time or day on, or so long ago: 30d, 12h'],
        ['--until <time>', 'before this time or day'],
        ['--dry-run', 'only say what would change'],
      ],
    }),
  ]).addCommand(usageSummaryCommand(), { isDefault: true });

function repriceOptions({ since: from, until: end, dryRun }: Record<string, string | undefined>) {
  if (from === undefined) throw new StartError('--since is missing');
  const since = readTime('--since', from);
  const until = end === undefined ? undefined : readTime('--until', end);
  return { since, ...(until && { until }), dryRun: Boolean(dryRun) };
}

const exact = (cost: string | null): bigint => parseDecimal(cost ?? '0', 18) ?? 0n;

const sumOf = (differences: readonly CostDifference[]): bigint =>
  differences.reduce((sum, { before, after }) => sum + exact(after) - exact(before), 0n);
