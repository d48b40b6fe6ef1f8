import { isComputed, type Unpriced } from '../records/cost-source.ts';
import type { CostPart, UsageCall } from './cost.ts';
import { decimalText } from './decimal.ts';
import { listEdition } from './list.ts';
import type { Rate } from './price.ts';
import type { Priced, Pricer } from './pricer.ts';

/** What a stored record says of its own cost. */
export interface StoredCost {
  /** In dollars; null for none. */
  readonly cost: string | null;
  readonly source: string | null;
  /** By which rule the tokens were counted. */
  readonly rule: string | null;
}

const partNames: Readonly<Record<CostPart['what'], string>> = {
  input: 'tokens of input that is not cached',
  cached: 'tokens of input read from the cache',
  cache_write: 'tokens of input written to the cache',
  cache_write_1h: 'tokens of input written to the cache for an hour',
  output: 'tokens of output',
  reasoning: 'tokens of reasoning',
  request: 'request',
  milliseconds: 'ms',
};

const reasons: Readonly<Record<Unpriced, string>> = {
  ambiguous: 'its counts contradict each other: a part is greater than its whole',
  no_provider: 'it names no provider, and the model of a name may run anywhere',
  unknown_model: 'neither the own prices nor the list have this model of this provider',
  service_tier: 'the list has the prices of the standard tier alone',
  no_tokens: 'it counts no tokens',
  no_duration: 'its price is one by time, and it has no duration',
  no_price: 'the price that there is does not cover all that it counts',
};

/** Which rule, which price, which arithmetic: a sentence a line. */
export function inWords(pricer: Pricer, call: UsageCall, stored: StoredCost): string[] {
  return [...counted(call, stored.rule), ...costWords(pricer, call, stored)];
}

function counted(call: UsageCall, rule: string | null): string[] {
  const { inputTokens, outputTokens, cachedTokens, cacheWriteTokens } = call;
  const parts = [
    `${count(cachedTokens)} of them read from the cache`,
    `${count(cacheWriteTokens)} written to it (${count(call.cacheWrite1hTokens)} for an hour)`,
  ].join(', ');
  return [
    `Rule: ${rule ?? 'none is stored; the counts are taken as the contract has them'}.`,
    `Counts: ${count(inputTokens)} tokens of input, ${parts}; ${count(outputTokens)} of output, ` +
      `${count(call.reasoningTokens)} of them reasoning.`,
  ];
}

function costWords(pricer: Pricer, call: UsageCall, { cost, source }: StoredCost): string[] {
  const now = pricer.price(call);
  if (cost !== null && !isComputed(source ?? '')) {
    return [
      `Cost: $${cost}, as the client said (${source ?? 'stored before sources were'}); it goes ` +
        'before every computed one.',
    ];
  }
  if (typeof now === 'string') {
    const why = `Unpriced: ${reasons[now]}.`;
    return cost === null
      ? [why]
      : [
          `Cost: $${cost}, by ${source}.`,
          `As prices are today it would be unpriced: ${reasons[now]}.`,
        ];
  }
  const total = decimalText(now.cost);
  if (cost === null) {
    return ['Unpriced when it was stored; `usage reprice` would make of it:', ...arithmetic(now)];
  }
  if (cost === total && source === now.source) return arithmetic(now);
  return [
    `Cost: $${cost}, by ${source}, whose prices may have been others. As prices are today:`,
    ...arithmetic(now),
  ];
}

/** The price, a line for each summand, and the sum. */
function arithmetic({ kind, source, provider, model, price, parts, cost }: Priced): string[] {
  const of = provider === '' ? model : `${provider}/${model}`;
  const from = kind === 'own' ? 'the own prices' : `the list ${listEdition.name}`;
  return [
    `Price: of ${of} in ${from} (${source})${price.by === 'time' ? `: ${price.words}` : ''}.`,
    ...parts.map(partWords),
    `Cost: $${decimalText(cost)}.`,
  ];
}

function partWords({ what, quantity, price, amount }: CostPart): string {
  const each =
    what === 'milliseconds'
      ? `$${decimalText(price)} an hour`
      : what === 'request'
        ? `$${decimalText(price)}`
        : `$${decimalText(price, 12)} a million`;
  return `${count(quantity)} ${partNames[what]} × ${each} = $${decimalText(amount)}`;
}

/** A price per million tokens, with the length of context that changes it. */
export function rateText({ base, tiers }: Rate): string {
  const text = (price: bigint) => decimalText(price, 12);
  return [text(base), ...tiers.map(({ over, price }) => `${text(price)} over ${over}`)].join(', ');
}

const count = (number: number): string =>
  number.toLocaleString('en-US', { maximumFractionDigits: 6 });
