import { type RawBuilder, sql } from 'kysely';
import { type LevelRead, partsAsTable, type RowsRead } from '../../rollup/parts-sql.ts';
import type { Question as RollupQuestion } from '../../rollup/question.ts';
import type { Answering } from '../../rollup/read.ts';
import { bucketOf, groupColumn, listed, type Question } from './parts.ts';

export type Table = (ofLevel: LevelRead, rows: RowsRead) => Promise<RawBuilder<unknown>>;

/** Its parts with the columns g0 and so on, `bucket`, and those that are asked for. */
export const asTable =
  ({ bordersUs }: Question, asked: RollupQuestion, answering: Answering): Table =>
  async (ofLevel, rows) => {
    const groups = asked.by.map(
      (_, index) => sql`nullif("group"[${sql.lit(index + 1)}], '') as ${groupColumn(index)}`,
    );
    const parts = await partsAsTable(asked, answering, ofLevel, rows);
    return sql`(
      with ${parts}
      select ${listed(groups)} ${bucketOf(sql.ref('period'), bordersUs)} as bucket, parts.*
      from parts)`;
  };

export const groupColumns = ({ groupBy }: Question): RawBuilder<unknown> =>
  listed(groupBy.map((_, index) => groupColumn(index)));
