import { decimalText, dollarDecimals } from './decimal.ts';
import { rateText } from './in-words.ts';
import { type ListedModel, listEdition, listedModels } from './list.ts';
import { fits, isAbout, type OwnPrice, type OwnPrices } from './own.ts';
import { type DatedPrice, type Price, tokenParts } from './price.ts';
import { providerName } from './provider.ts';

/** A price as people read it: dollars, per million tokens but for what says otherwise. */
interface ShownPrice {
  readonly source: 'own' | 'list';
  readonly provider: string;
  readonly model: string;
  readonly [more: string]: string;
}

/** Which prices there are. */
export interface Editions {
  readonly list: typeof listEdition;
  /** Absent without own prices. */
  readonly own?: { readonly version: string; readonly date: string };
}

interface ShownPrices extends Editions {
  readonly prices: readonly ShownPrice[];
}

export interface PriceFilter {
  /** '' for all. */
  readonly provider: string;
  /** Part of a model's name, or a pattern with `*`; '' for all. */
  readonly model: string;
}

export const editions = ({ version, date }: OwnPrices): Editions => ({
  list: listEdition,
  ...(version === '' ? {} : { own: { version, date } }),
});

/** Every price there is, own ones first. */
export async function shownPrices(own: OwnPrices, filter: PriceFilter): Promise<ShownPrices> {
  const listed = (await listedModels()).filter(({ provider, model }) =>
    isMeant(filter, provider, model),
  );
  const ours = own.entries.filter((entry) => isOwnMeant(filter, entry));
  return {
    ...editions(own),
    prices: [...ours.map(shownOwn), ...listed.flatMap(shownListed)],
  };
}

function isMeant(filter: PriceFilter, provider: string, model: string): boolean {
  const { provider: wanted, model: part } = filter;
  if (wanted !== '' && providerName(wanted) !== providerName(provider)) return false;
  return fits(part.includes('*') ? part : `*${part}*`, model);
}

/** Its own names may be patterns: it is about the model that is asked for, too. */
function isOwnMeant(filter: PriceFilter, entry: OwnPrice): boolean {
  const provider = filter.provider === '' ? entry.provider : filter.provider;
  return (
    isAbout(entry, provider, filter.model) ||
    (isAbout({ ...entry, model: '*' }, provider, '') &&
      isMeant({ ...filter, provider: '' }, '', entry.model))
  );
}

function shownOwn(entry: OwnPrice): ShownPrice {
  const { provider, model, serviceTier, fromMs, untilMs, price } = entry;
  return {
    source: 'own',
    provider,
    model,
    ...(serviceTier === '' ? {} : { service_tier: serviceTier }),
    ...(Number.isFinite(fromMs) ? { from: new Date(fromMs).toISOString() } : {}),
    ...(Number.isFinite(untilMs) ? { until: new Date(untilMs).toISOString() } : {}),
    ...shownPrice(price),
  };
}

function shownListed({ provider, model, prices }: ListedModel): ShownPrice[] {
  return prices.map(({ fromMs, daily, price }: DatedPrice) => ({
    source: 'list',
    provider,
    model,
    ...(fromMs === undefined ? {} : { from: new Date(fromMs).toISOString() }),
    ...(daily ? { daily: `${hourText(daily.start)} to ${hourText(daily.end)} UTC` } : {}),
    ...shownPrice(price),
  }));
}

const hourText = (second: number): string =>
  new Date(second * 1000).toISOString().slice('1970-01-01T'.length, '1970-01-01T00:00'.length);

function shownPrice(price: Price): Record<string, string> {
  if (price.by === 'time') {
    return { per_hour: decimalText(price.perHour), how: price.words };
  }
  const rates = tokenParts.flatMap((part) => {
    const rate = price.rates[part];
    return rate ? [[part, rateText(rate)]] : [];
  });
  const request =
    price.request > 0n ? [['request', decimalText(price.request, dollarDecimals)]] : [];
  return Object.fromEntries([...rates, ...request]);
}
