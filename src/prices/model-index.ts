import type { MatchLogic, ModelInfo } from '@pydantic/genai-prices';

type Predicate = (name: string) => boolean;

/**
 * Finds a provider's model by a name in lower case: the first that the list's rules match, as the
 * library does. It tries them one by one, with all the regular expressions; most rules are names.
 */
export class ModelIndex {
  readonly #models: readonly ModelInfo[];
  readonly #exact = new Map<string, number>();
  /** Ascending by model. */
  readonly #others: { readonly model: number; readonly matches: Predicate }[] = [];

  constructor(models: readonly ModelInfo[]) {
    this.#models = models;
    for (const [model, { match }] of models.entries()) this.#add(match, model);
  }

  find(name: string): ModelInfo | undefined {
    let found = this.#exact.get(name) ?? this.#models.length;
    for (const { model, matches } of this.#others) {
      if (model >= found) break;
      if (matches(name)) found = model;
    }
    return this.#models[found];
  }

  #add(match: MatchLogic, model: number): void {
    if ('or' in match) {
      for (const part of match.or) this.#add(part, model);
    } else if ('equals' in match) {
      const name = match.equals.toLowerCase();
      if (!this.#exact.has(name)) this.#exact.set(name, model);
    } else {
      this.#others.push({ model, matches: predicate(match) });
    }
  }
}

function predicate(match: MatchLogic): Predicate {
  if ('or' in match) {
    const parts = match.or.map(predicate);
    return (name) => parts.some((matches) => matches(name));
  }
  if ('and' in match) {
    const parts = match.and.map(predicate);
    return (name) => parts.every((matches) => matches(name));
  }
  if ('regex' in match) {
    const pattern = new RegExp(match.regex);
    return (name) => pattern.test(name);
  }
  const [[way, given]] = Object.entries(match) as [[string, string]];
  const part = given.toLowerCase();
  if (way === 'starts_with') return (name) => name.startsWith(part);
  if (way === 'ends_with') return (name) => name.endsWith(part);
  return way === 'contains' ? (name) => name.includes(part) : (name) => name === part;
}
