import { costSources, type Unpriced } from '../records/cost-source.ts';
import { type CostPart, costParts, isAmbiguous, sumOf, type UsageCall } from './cost.ts';
import { type ListedModel, listEdition, PriceList } from './list.ts';
import { fits, isAbout, type OwnPrice, type OwnPrices } from './own.ts';
import { type Price, priceAt } from './price.ts';

/** A cost and everything that it follows from. */
export interface Priced {
  readonly kind: 'list' | 'own';
  /** With version and date: `list@0.1.8/2026-09-23`, `own@3f2a91c0/2026-11-26`. */
  readonly source: string;
  /** What it is the price of: as the list or the file names it. */
  readonly provider: string;
  readonly model: string;
  readonly price: Price;
  readonly parts: readonly CostPart[];
  /** In 10^-18 dollars. */
  readonly cost: bigint;
}

/** What is known of a provider's model, whatever the time and the tier. */
interface Known {
  readonly own: readonly OwnPrice[];
  readonly listed: ListedModel | undefined;
}

/** Names are the sender's: what is remembered of them is bounded. */
const knownMax = 10_000;
/** What providers call the tier that has the listed prices. */
const standardTiers = new Set(['', 'default', 'standard', 'standard_only', 'auto', 'on_demand']);

const listSource = `${costSources.list}${listEdition.version}/${listEdition.date}`;

/** What calls cost, by the operator's own prices, else by the list. */
export class Pricer {
  readonly #own: () => OwnPrices;
  readonly #list = new PriceList();
  #known = new Map<string, Map<string, Known>>();
  #knownCount = 0;
  /** Of the prices that `#known` is about. */
  #prices: OwnPrices;
  #ownSource = '';

  /** `own`: what the operator's prices are at the moment. */
  constructor(own: () => OwnPrices) {
    this.#own = own;
    this.#prices = own();
    this.#ownSource = sourceOf(this.#prices);
  }

  /** The operator's own prices, as they are at the moment. */
  get own(): OwnPrices {
    return this.#own();
  }

  price(call: UsageCall): Priced | Unpriced {
    if (isAmbiguous(call)) return 'ambiguous';
    const { own, listed } = this.#find(call.provider, call.model);
    for (const entry of own) {
      if (!holds(entry, call)) continue;
      return priced(call, 'own', this.#ownSource, entry, entry.price);
    }
    if (call.provider === '') return 'no_provider';
    if (!listed) return 'unknown_model';
    if (!isStandard(call.serviceTier)) return 'service_tier';
    const price = priceAt(listed.prices, call.timeMs);
    if (!price) return 'no_price';
    return priced(call, 'list', listSource, listed, price);
  }

  #find(provider: string, model: string): Known {
    const prices = this.#own();
    if (prices !== this.#prices || this.#knownCount >= knownMax) this.#forget(prices);
    const models = this.#known.get(provider);
    const known = models?.get(model);
    if (known) return known;
    const found: Known = {
      own: prices.entries.filter((entry) => isAbout(entry, provider, model)),
      listed: this.#list.find(provider, model),
    };
    if (models) models.set(model, found);
    else this.#known.set(provider, new Map([[model, found]]));
    this.#knownCount += 1;
    return found;
  }

  #forget(prices: OwnPrices): void {
    this.#known = new Map();
    this.#knownCount = 0;
    this.#prices = prices;
    this.#ownSource = sourceOf(prices);
  }
}

const sourceOf = ({ version, date }: OwnPrices): string => `${costSources.own}${version}/${date}`;

const isStandard = (tier: string): boolean => standardTiers.has(tier.toLowerCase());

/** Prices by the token are those of the standard tier, unless the entry names another. */
function holds({ fromMs, untilMs, serviceTier, price }: OwnPrice, call: UsageCall): boolean {
  if (call.timeMs < fromMs || call.timeMs >= untilMs) return false;
  if (serviceTier !== '') return fits(serviceTier, call.serviceTier);
  return price.by === 'time' || isStandard(call.serviceTier);
}

function priced(
  call: UsageCall,
  kind: Priced['kind'],
  source: string,
  { provider, model }: OwnPrice | ListedModel,
  price: Price,
): Priced | Unpriced {
  const parts = costParts(call, price);
  if (typeof parts === 'string') return parts;
  return { kind, source, provider, model, price, parts, cost: sumOf(parts) };
}
