import { sql } from 'kysely';
import type { FreshParts } from './fresh-parts.ts';
import { partsAsTable } from './parts-sql.ts';
import type { Group, Question } from './question.ts';
import { type CountedValue, finite } from './shapes.ts';
import type { Sketch } from './sketch.ts';
import type { Parts } from './spans.ts';
import type { Trx } from './state.ts';
import type { Measures } from './totals.ts';

interface Row {
  readonly group: (string | null)[];
  readonly period: Date | null;
  readonly keys: number[];
  readonly counts: number[];
}

const nameOf = (group: unknown, period: Date | null | undefined): string =>
  JSON.stringify([group, period ?? null]);

/** Groups with the sketches of their values. */
export async function withSketches(
  trx: Trx,
  question: Question,
  parts: Parts,
  fresh: FreshParts,
  groups: readonly Group[],
): Promise<Group[]> {
  const found: Map<string, Row>[] = [];
  for (const value of question.shape.values) {
    const rows = await readSketches(trx, question, parts, fresh, value);
    found.push(new Map(rows.map((row) => [nameOf(row.group, row.period), row])));
  }
  return groups.map((each) => ({
    ...each,
    sketches: found.map((ofValue, index): Sketch => {
      const { keys = [], counts = [] } = ofValue.get(nameOf(each.group, each.period)) ?? {};
      const { min, max } = each.values[index] as Measures;
      return { keys, counts, min, max };
    }),
  }));
}

async function readSketches(
  trx: Trx,
  question: Question,
  parts: Parts,
  fresh: FreshParts,
  { prefix, column }: CountedValue,
): Promise<Row[]> {
  const value = finite(sql.ref(`source.${column}`));
  const ofLevel = sql`${sql.ref(`${prefix}keys`)} as keys, ${sql.ref(`${prefix}counts`)} as counts`;
  const ofRow = sql`
    case when ${value} is null then '{}'::int[] else array[telemetry_sketch_key(${value})] end,
    case when ${value} is null then '{}'::int[] else '{1}' end`;
  const { rows } = await sql<Row>`
    with ${partsAsTable(question, parts, fresh, ofLevel, ofRow)}
    select "group", period, array_agg(key order by key) as keys,
      array_agg(count::float8 order by key) as counts
    from (
      select "group", period, key, sum(count) as count
      from (
        select "group", period, unnest(keys) as key, unnest(counts) as count from parts
      ) as cells
      group by 1, 2, 3 having sum(count) > 0
    ) as merged
    group by 1, 2`.execute(trx);
  return rows;
}
