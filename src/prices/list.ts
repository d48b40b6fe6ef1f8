import {
  calcPrice,
  type ModelInfo,
  type ModelPrice,
  type Provider,
  waitForUpdate,
} from '@pydantic/genai-prices';
import { parseDecimal } from './decimal.ts';
import type { DatedPrice, Rate, TokenPart, TokenPrice } from './price.ts';
import { providerName } from './provider.ts';

/** The list that comes with the package, which reaches for no network; a test compares the version. */
export const listEdition = { name: 'genai-prices', version: '0.1.8', date: '2026-09-23' } as const;

export interface ListedModel {
  readonly provider: string;
  readonly model: string;
  readonly prices: readonly DatedPrice[];
}

/** The list's names of our parts, per million tokens. */
const keys: readonly (readonly [TokenPart, string])[] = [
  ['input', 'input_mtok'],
  ['cached', 'cache_read_mtok'],
  ['cache_write', 'cache_write_mtok'],
  ['cache_write_1h', 'cache_write_1h_mtok'],
  ['output', 'output_mtok'],
  ['reasoning', 'output_reasoning_mtok'],
];
/** A price of a million tokens in 10^-12 dollars is that of one in 10^-18. */
export const perMillionPlaces = 12;
const perThousandPlaces = 15;

/** Finds a model of a provider by any name that it goes by; undefined where the list has none. */
export function findListed(provider: string, model: string): ListedModel | undefined {
  const name = providerName(provider);
  if (name === '' || model.trim() === '') return undefined;
  const found = calcPrice({}, model, { providerId: name });
  // The library also guesses providers by a part of their name: a guess is no price.
  if (!found || found.provider.id !== name) return undefined;
  return listed(found.provider.id, found.model);
}

/** Every model of the list. */
export async function listedModels(): Promise<ListedModel[]> {
  const providers = (await waitForUpdate()) as Provider[];
  return providers.flatMap(({ id, models }) => models.map((model) => listed(id, model)));
}

function listed(provider: string, { id, prices }: ModelInfo): ListedModel {
  if (!Array.isArray(prices)) return { provider, model: id, prices: [tokenPrice(id, prices)] };
  const dated = prices.map(({ constraint, prices: price }) => ({
    ...tokenPrice(id, price),
    ...(constraint?.type === 'start_date' ? { fromMs: Date.parse(constraint.start_date) } : {}),
    ...(constraint?.type === 'time_of_date'
      ? { daily: { start: daySecond(constraint.start_time), end: daySecond(constraint.end_time) } }
      : {}),
  }));
  return { provider, model: id, prices: dated };
}

function tokenPrice(model: string, given: ModelPrice): { price: TokenPrice } {
  const rates: Partial<Record<TokenPart, Rate>> = {};
  for (const [part, key] of keys) {
    const value = given[key];
    if (value !== undefined) rates[part] = rate(value);
  }
  // What is free by name has no price in the list; neither has what it knows nothing of.
  if (model.endsWith(':free') && Object.keys(given).length === 0) {
    rates.input = rates.output = rate(0);
  }
  const requests = given.requests_kcount;
  const request = typeof requests === 'number' ? exact(requests, perThousandPlaces) : 0n;
  return { price: { by: 'tokens', rates, request } };
}

function rate(given: Exclude<ModelPrice[string], undefined>): Rate {
  if (typeof given === 'number') return { base: exact(given, perMillionPlaces), tiers: [] };
  const tiers = given.tiers
    .map(({ start, price }) => ({ over: start, price: exact(price, perMillionPlaces) }))
    .sort((one, other) => one.over - other.over);
  return { base: exact(given.base, perMillionPlaces), tiers };
}

/** A price has no more places than these, but for what a computer made of it. */
const exact = (value: number, places: number): bigint =>
  parseDecimal(value, places) ?? (parseDecimal(value.toFixed(places), places) as bigint);

/** Of `16:30:00Z` or `16:30:00+01:00`. */
function daySecond(time: string): number {
  return (Date.parse(`1970-01-02T${time}`) / 1000) % 86_400;
}
