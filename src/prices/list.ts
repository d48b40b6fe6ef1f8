import {
  findProvider,
  type ModelInfo,
  type ModelPrice,
  type Provider,
  waitForUpdate,
} from '@pydantic/genai-prices';
import { parseDecimal } from './decimal.ts';
import { ModelIndex } from './model-index.ts';
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

const providersMax = 1000;
/** `-20250807` for `-2025-08-07`: either is written. */
const compactDate = /-(20\d{2})(0[1-9]|1[0-2])(0[1-9]|[12]\d|3[01])(?=-|:|$)/g;

/** The list as it is asked for on the way in: by provider and any name that a model goes by. */
export class PriceList {
  /** By the list's name of a provider: its models, then those of others that it serves. */
  readonly #indexes = new Map<string, readonly ModelIndex[]>();

  /** Undefined where the list has no such model of this provider. */
  find(provider: string, model: string): ListedModel | undefined {
    const id = providerName(provider);
    const name = model.trim().toLowerCase();
    const found = this.#find(id, name) ?? this.#find(id, name.replace(compactDate, '-$1-$2-$3'));
    return found && listed(id, found);
  }

  #find(id: string, name: string): ModelInfo | undefined {
    let indexes = this.#indexes.get(id);
    if (!indexes) {
      // Names are the sender's: what is remembered of them is bounded.
      if (this.#indexes.size >= providersMax) this.#indexes.clear();
      indexes = served(id).map(({ models }) => new ModelIndex(models));
      this.#indexes.set(id, indexes);
    }
    for (const index of indexes) {
      const found = index.find(name);
      if (found) return found;
    }
    return undefined;
  }
}

/** The library also guesses providers by a part of their name: a guess is no price. */
function providerOf(id: string): Provider | undefined {
  if (id === '') return undefined;
  const provider = findProvider({ providerId: id });
  return provider?.id === id ? provider : undefined;
}

/** A provider, and those whose models it serves at their prices; none where the list has none. */
function served(id: string): Provider[] {
  const provider = providerOf(id);
  if (!provider) return [];
  const others = provider.fallback_model_providers ?? [];
  return [provider, ...others.flatMap((other) => providerOf(other) ?? [])];
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
