import type { RawBuilder, Transaction } from 'kysely';
import type { Database } from '../../database/schema.ts';
import type { Group, Parts, Question } from './parts.ts';
import { addTotals, Places, type Totals } from './places.ts';
import { rankedAndPlaced } from './ranked.ts';
import { placedCells, wholeCells } from './read-cells.ts';

export interface GroupTotals {
  readonly group: Group;
  readonly totals: Totals;
  /** One for each part of the span; none where they are not told apart. */
  readonly points: readonly Totals[];
}

export interface AddedUp {
  readonly total: Totals;
  /** The same by part of the span; worked out when it is asked for. */
  readonly allPoints: () => readonly Totals[];
  /** Those that rank first, or those that were named, in their order. */
  readonly groups: readonly GroupTotals[];
  /** All others together. */
  readonly rest: GroupTotals | undefined;
  readonly restGroups: number;
}

/** Which groups are told apart: those that come first by what they add up to, or some by name. */
export type Chosen =
  | { readonly by: RawBuilder<unknown>; readonly limit: number }
  | {
      readonly groups: readonly Group[];
      /** Whether there are likely others, too: then all together are read by themselves. */
      readonly areSome: boolean;
    };

/** Those of another answer. */
export const sameGroups = ({ groups, restGroups }: AddedUp): Chosen => ({
  groups: groups.map(({ group }) => group),
  areSome: restGroups > 0,
});

/** All together alone. */
export const noGroups: Chosen = { groups: [], areSome: false };

/** Adds parts up, in total, by group and by part of the span; undefined where they lack something. */
export async function readTotals(
  trx: Transaction<Database>,
  question: Question,
  parts: Parts,
  chosen: Chosen,
): Promise<AddedUp | undefined> {
  const { measured, bordersUs, quantiles } = question;
  const { total, ranked, found, placed } = await rankedAndPlaced(trx, question, parts.sums, chosen);
  if (total === undefined) return undefined;
  const groups = 'groups' in chosen ? chosen.groups : ranked;
  const restGroups = 'groups' in chosen ? 0 : found - groups.length;
  const places = new Places(measured, bordersUs ? bordersUs.length - 1 : 0);
  for (const each of placed) places.addSums(each, each.sums);
  if (quantiles) {
    const hasOthers = 'groups' in chosen ? chosen.areSome : restGroups > 0;
    const ofAll = quantiles === 'of all' && restGroups === 0;
    const cells = ofAll
      ? await wholeCells(trx, question, parts)
      : await placedCells(trx, question, parts, groups, hasOthers);
    for (const each of cells) places.addCells(each, each.cells);
  }
  const told = groups.map((group, index) => ({
    group,
    totals: places.totalsOf(index + 1),
    points: places.pointsOf(index + 1),
  }));
  const others = places.totalsOf(0);
  const { cells } = addTotals(measured, [...told.map(({ totals }) => totals), others]);
  return {
    total: { sums: total, cells },
    allPoints: () => places.allPoints,
    groups: told,
    rest: restGroups > 0 ? { group: [], totals: others, points: places.pointsOf(0) } : undefined,
    restGroups,
  };
}
