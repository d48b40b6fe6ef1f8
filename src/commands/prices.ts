import type { Command } from 'commander';
import { OwnPricesFile } from '../prices/own-file.ts';
import { type Editions, shownPrices } from '../prices/shown.ts';
import { command, commandGroup, type Run } from './command.ts';

const list: Run = async ({ pricesFile }, _logger, { flags }) => {
  const { prices: own } = new OwnPricesFile(pricesFile);
  const { provider = '', model = '' } = flags as Record<string, string | undefined>;
  const found = await shownPrices(own, { provider, model });
  const count = `${found.prices.length} prices, in US dollars for a million tokens`;
  return { json: found, shown: [...editionLines(found), found.prices, count] };
};

/** Which prices there are, for people. */
export const editionLines = ({ list, own }: Editions): string[] => [
  `list: ${list.name} ${list.version} of ${list.date}`,
  ...(own ? [`own: ${own.version} of ${own.date}`] : []),
];

export const priceCommands = (): Command =>
  commandGroup('prices', 'what calls of language models cost', [
    command('list', 'your own prices and those of the list', list, {
      own: [
        ['--provider <name>', 'only of this provider, however it is written'],
        ['--model <name>', 'only models with this in their name; * for anything'],
      ],
    }),
  ]);
