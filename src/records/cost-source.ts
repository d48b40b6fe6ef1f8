/** Where a cost comes from: as the client says; or computed, from a price list or own prices. */
export const costSources = { client: 'client', list: 'list@', own: 'own@' } as const;

/** Whether the collector has computed a cost; what follows names the edition of the prices. */
export const isComputed = (source: string): boolean =>
  source.startsWith(costSources.list) || source.startsWith(costSources.own);

/** Why a record has no cost. */
export const unpricedReasons = [
  'ambiguous',
  'no_provider',
  'unknown_model',
  'service_tier',
  'no_tokens',
  'no_duration',
  'no_price',
] as const;
export type Unpriced = (typeof unpricedReasons)[number];

/** What becomes of a record's cost: whose it is, or why there is none. */
export const costOutcomes = ['client', 'list', 'own', ...unpricedReasons] as const;
export type CostOutcome = (typeof costOutcomes)[number];

/** Records by what becomes of their cost. */
export type CostCounts = Partial<Record<CostOutcome, number>>;
