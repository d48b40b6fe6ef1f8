import { Audit } from './admin/audit.ts';
import { type CostDifference, reprice } from './admin/reprice.ts';
import { StartError } from './errors.ts';
import { operator } from './key-commands.ts';
import { onDatabase, type Run } from './operator-commands.ts';
import { decimalText, parseDecimal } from './prices/decimal.ts';
import { OwnPricesFile } from './prices/own-file.ts';
import { Pricer } from './prices/pricer.ts';
import { type Editions, editions, shownPrices } from './prices/shown.ts';
import { explainUsage } from './query/explain.ts';
import { parseRfc3339 } from './records/rfc3339.ts';
import { dayMs, hourMs, minuteMs } from './units.ts';

export const pricesList: Run = async ({ pricesFile }, _logger, _args, given) => {
  const { prices: own } = new OwnPricesFile(pricesFile);
  const { provider = '', model = '', json } = given as Record<string, string | undefined>;
  const shown = await shownPrices(own, { provider, model });
  if (json) {
    console.log(JSON.stringify(shown, null, 2));
    return;
  }
  tellEditions(shown);
  if (shown.prices.length > 0) console.table(shown.prices);
  console.log(`${shown.prices.length} prices, in US dollars for a million tokens`);
};

export const usageExplain: Run = async (config, logger, args, given) => {
  const { prices } = new OwnPricesFile(config.pricesFile);
  const work = onDatabase(async (database, [id = '']) => {
    const { explanation } = await explainUsage(database.reader, new Pricer(() => prices), id);
    for (const line of explanation) console.log(line);
    tellEditions(editions(prices));
  });
  await work(config, logger, args, given);
};

export const usageReprice: Run = async (config, logger, args, given) => {
  const { since: from, until: end, dryRun = false } = given as Record<string, string | undefined>;
  if (from === undefined) throw new StartError('--since is missing');
  const until = end === undefined ? undefined : readTime('--until', end);
  const options = {
    since: readTime('--since', from),
    ...(until && { until }),
    dryRun: Boolean(dryRun),
  };
  const { prices } = new OwnPricesFile(config.pricesFile);
  const work = onDatabase(async (database) => {
    if (!options.dryRun) {
      const audit = new Audit(database.upkeepDb, logger);
      const { version: own } = prices;
      await audit.record(operator(), 'usage repriced', { ...options, own });
    }
    let [rows, changed, priced, difference] = [0, 0, 0, 0n];
    for await (const step of reprice(database.upkeepDb, new Pricer(() => prices), options)) {
      rows += step.rows;
      changed += step.differences.length;
      priced += step.differences.filter(({ before }) => before === null).length;
      difference += sumOf(step.differences);
    }
    const verb = options.dryRun ? 'would change' : 'changed';
    const sum = `${difference < 0n ? '-' : ''}$${decimalText(difference < 0n ? -difference : difference)}`;
    console.log(
      `${rows} records without a cost of their client's own, of which ${changed} ${verb}`,
    );
    console.log(`${priced} of them had no cost before; in all the costs differ by ${sum}`);
    tellEditions(editions(prices));
  });
  await work(config, logger, args, given);
};

function tellEditions({ list, own }: Editions): void {
  console.log(`list: ${list.name} ${list.version} of ${list.date}`);
  if (own) console.log(`own: ${own.version} of ${own.date}`);
}

const exact = (cost: string | null): bigint => parseDecimal(cost ?? '0', 18) ?? 0n;

const sumOf = (differences: readonly CostDifference[]): bigint =>
  differences.reduce((sum, { before, after }) => sum + exact(after) - exact(before), 0n);

const units: Readonly<Record<string, number>> = { d: dayMs, h: hourMs, m: minuteMs };

/** A time with its zone, a day (midnight UTC), or how long ago. */
function readTime(flag: string, text: string): Date {
  const [, count, unit] = /^(\d+)([dhm])$/.exec(text) ?? [];
  if (unit) return new Date(Date.now() - Number(count) * (units[unit] as number));
  const instant = parseRfc3339(/^\d{4}-\d\d-\d\d$/.test(text) ? `${text}T00:00:00Z` : text);
  if (instant) return new Date(Number(instant.seconds) * 1000 + Math.floor(instant.nanos / 1e6));
  throw new StartError(
    `${flag}: ${JSON.stringify(text)} is no time: give 2026-11-01, 2026-11-01T12:00:00Z or 30d`,
  );
}
