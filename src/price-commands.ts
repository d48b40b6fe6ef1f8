import type { Run } from './operator-commands.ts';
import { OwnPricesFile } from './prices/own-file.ts';
import { shownPrices } from './prices/shown.ts';

export const pricesList: Run = async ({ pricesFile }, _logger, _args, given) => {
  const { prices: own } = new OwnPricesFile(pricesFile);
  const { provider = '', model = '', json } = given as Record<string, string | undefined>;
  const shown = await shownPrices(own, { provider, model });
  if (json) {
    console.log(JSON.stringify(shown, null, 2));
    return;
  }
  const { list, prices } = shown;
  console.log(`list: ${list.name} ${list.version} of ${list.date}`);
  if (shown.own) console.log(`own: ${shown.own.version} of ${shown.own.date}`);
  if (prices.length > 0) console.table(prices);
  console.log(`${prices.length} prices, in US dollars for a million tokens`);
};
