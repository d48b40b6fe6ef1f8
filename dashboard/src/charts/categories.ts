import type { Colour } from './model.ts';

const colours: readonly Colour[] = ['s1', 's2', 's3', 's4', 's5', 's6'];
const given = new Map<string, Map<string, Colour>>();

/** The colour of a name among others of its kind: the same wherever it is drawn. */
export function colourFor(kind: string, name: string): Colour {
  let known = given.get(kind);
  if (!known) {
    known = new Map();
    given.set(kind, known);
  }
  const colour = known.get(name) ?? colours[known.size] ?? 's-other';
  if (!known.has(name) && known.size < colours.length) known.set(name, colour);
  return colour;
}

/** More than that many are drawn as `other`. */
export const namedMax = colours.length;
