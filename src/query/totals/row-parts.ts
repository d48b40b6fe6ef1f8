import { type RawBuilder, sql } from 'kysely';
import { rowsOf } from '../../database/older-names.ts';
import { meets } from '../ask/filters.ts';
import { sqlInstant } from '../ask/instants.ts';
import type { Span } from '../ask/time-range.ts';
import { hasShownTime } from '../row-values.ts';
import { bucketOf, groupColumn, listed, type Parts, type Question, wanted } from './parts.ts';
import { inPlaces } from './places-sql.ts';

const time = sql.ref('timestamp');

export const within = ({ startUs, endUs }: Span): RawBuilder<boolean> => sql`${hasShownTime}
  ${startUs === undefined ? sql`` : sql`and ${time} >= ${sqlInstant(startUs)}`}
  ${endUs === undefined ? sql`` : sql`and ${time} < ${sqlInstant(endUs)}`}`;

/** The rows themselves: those of the span, or those that another condition names. */
export function rowParts(question: Question, which = within(question.span)): Parts {
  const { kind, filter, groupBy, bordersUs, measured } = question;
  const groups = groupBy.map(({ of }, index) => sql`${of} as ${groupColumn(index)}`);
  const bucket = sql`${bucketOf(time, bordersUs)} as bucket`;
  const rows = sql`${rowsOf(kind)} as source`;
  const where = sql`where ${which} and ${meets(filter)}`;
  const sums = measured.measures.map(({ name, ofRow }) => sql`${ofRow} as ${sql.ref(name)}`);
  const numbers = measured.quantified.map(({ ofRow }, what) => sql`(${sql.lit(what)}, ${ofRow})`);
  const cells = sql`
      select ${listed(groups)} ${bucket}, what, telemetry_sketch_key(number) as key, 1 as count
      from ${rows} cross join lateral (values ${sql.join(numbers)}) as each (what, number)
      ${where} and number is not null`;
  return {
    sums: wanted(
      question,
      sql`select ${listed(groups)} ${bucket}, ${sql.join(sums)} from ${rows} ${where}`,
    ),
    cells: async (groups) => inPlaces(wanted(question, cells), { groups }, groupBy.length),
    source: 'rows',
  };
}
