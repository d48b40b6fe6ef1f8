import { type RawBuilder, sql } from 'kysely';
import { lacksMargin } from '../../rollup/later-margins.ts';
import { marginOf, type Question as RollupQuestion } from '../../rollup/question.ts';
import { type Answering, findParts, type RollupsRead } from '../../rollup/read.ts';
import { margin } from '../../rollup/series.ts';
import { finite, sketchColumns } from '../../rollup/shapes.ts';
import type { Trx } from '../../rollup/state.ts';
import { addedToSketches } from './on-workers.ts';
import {
  type Group,
  type Question,
  type ReadCells,
  sketchParts,
  type WholeCells,
  wanted,
} from './parts.ts';
import { inPlaces } from './places-sql.ts';
import { asTable, groupColumns } from './rollup-table.ts';

/** Of single series there are many, of all together one at a time. */
export async function wholeOf(
  rollups: RollupsRead,
  question: Question,
  asked: RollupQuestion,
  answering: Answering,
  alone?: 'alone',
): Promise<WholeCells | undefined> {
  const { trx } = rollups;
  const all = { ...asked, by: [], bySeries: false };
  const [ofGroups, ofAll] = [marginOf(asked), marginOf(all)];
  const isQuicker = alone ? ofAll !== ofGroups : ofGroups === margin.series;
  if (!isQuicker || question.groupsThat || ofAll === margin.series) return undefined;
  const found = await findParts(rollups, all);
  if (typeof found === 'string') return undefined;
  if (await lacksMargin(trx, all, found.parts.levels)) return undefined;
  return {
    all: (what) => cellsOf(trx, { ...question, groupBy: [] }, all, found)([], what),
    ofGroups: (groups, what) =>
      cellsOf(
        trx,
        question,
        { ...asked, only: isOneOf(asked.by, groups) },
        answering,
      )(groups, what),
  };
}

function isOneOf(by: readonly string[], groups: readonly Group[]): RawBuilder<boolean> {
  const [only] = by;
  if (by.length === 1 && only !== undefined) {
    // Of a column alone PostgreSQL knows how many there will be.
    const values = groups.map(([value]) => value ?? '');
    const isNone = values.includes('') ? sql`or ${sql.ref(only)} is null` : sql``;
    return sql<boolean>`(${sql.ref(only)} = any(${values}::text[]) ${isNone})`;
  }
  const ours = by.map((name) => sql`coalesce(${sql.ref(name)}, '')`);
  const lists = by.map((_, index) => sql`${groups.map((group) => group[index] ?? '')}::text[]`);
  return sql<boolean>`(${sql.join(ours)}) in (select * from unnest(${sql.join(lists)}) as kept)`;
}

export function cellsOf(
  trx: Trx,
  question: Question,
  asked: RollupQuestion,
  answering: Answering,
  onWorkers = false,
): ReadCells {
  const { shape } = asked;
  const { values } = shape;
  const ofLevel = values.flatMap(({ prefix }) =>
    sketchColumns.map((name) => sql.ref(prefix + name)),
  );
  const numbers = values.map(({ column }) => finite(sql.ref(`source.${column}`)));
  // Of rows, which may be many, only how many there are of each key.
  const rows = addedToSketches(trx, shape, numbers, question.bordersUs, onWorkers);
  const table = asTable(question, asked, answering);
  const sketches = values.map(({ prefix }, what) => {
    const named = Object.entries(sketchParts(what));
    return sql.join(named.map(([name, as]) => sql`${sql.ref(prefix + name)} as ${as}`));
  });
  const columns = sql.join(ofLevel);
  return async (groups, what = 'cells') => {
    const cells = sql`
      select ${groupColumns(question)} bucket, ${sql.join(sketches)}
      from ${await table({ what, columns }, rows)} as totals`;
    return inPlaces(wanted(question, cells), { groups }, question.groupBy.length);
  };
}
