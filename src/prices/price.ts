/** What a token costs, in 10^-18 dollars: by how many tokens of input the call has. */
export interface Rate {
  readonly base: bigint;
  /** Ascending; each holds for every token of a call with more input than `over`. */
  readonly tiers: readonly { readonly over: number; readonly price: bigint }[];
}

/** What is counted of a call and has a price. */
export const tokenParts = [
  'input',
  'cached',
  'cache_write',
  'cache_write_1h',
  'output',
  'reasoning',
] as const;
export type TokenPart = (typeof tokenParts)[number];

/** A price by tokens; a part that has none costs what the part does that it belongs to. */
export interface TokenPrice {
  readonly by: 'tokens';
  readonly rates: Readonly<Partial<Record<TokenPart, Rate>>>;
  /** On top, for each request. */
  readonly request: bigint;
}

/** A price by time: of a machine, or of the power that it draws. */
export interface TimePrice {
  readonly by: 'time';
  /** In 10^-18 dollars. */
  readonly perHour: bigint;
  /** How that comes about. */
  readonly words: string;
}

export type Price = TokenPrice | TimePrice;

/** A price and when it holds; of several the last that does. */
export interface DatedPrice {
  readonly price: Price;
  /** Since 1970. */
  readonly fromMs?: number;
  /** Seconds of the UTC day, end excluded; a start after the end spans midnight. */
  readonly daily?: { readonly start: number; readonly end: number };
}

const daySeconds = 86_400;

/** The price at a time. Where none holds yet, the first: the oldest that is known. */
export function priceAt(prices: readonly DatedPrice[], timeMs: number): Price | undefined {
  for (let index = prices.length - 1; index >= 0; index--) {
    const dated = prices[index] as DatedPrice;
    if (holds(dated, timeMs)) return dated.price;
  }
  return prices[0]?.price;
}

function holds({ fromMs, daily }: DatedPrice, timeMs: number): boolean {
  if (fromMs !== undefined && timeMs < fromMs) return false;
  if (!daily) return true;
  const second = (((timeMs / 1000) % daySeconds) + daySeconds) % daySeconds;
  const { start, end } = daily;
  return end < start ? second >= start || second < end : second >= start && second < end;
}
