import { type RawBuilder, sql } from 'kysely';
import type { Level, Shape } from './shapes.ts';
import { lockState, type RollupWriter, type Trx } from './state.ts';

/** What is done to levels of before in the background, a part of their time at once. */
interface Work {
  /** The column of `rollup_state` that says from when on it is done. */
  readonly marker: 'not_ok_from' | 'cells_from' | 'margins_from';
  readonly by: 'hour' | 'day';
  readonly shapes: readonly Shape[];
  readonly levels: readonly Level[];
  readonly to: (trx: Trx, shape: Shape, level: Level, part: Part) => Promise<void>;
}

export interface Part {
  readonly begin: RawBuilder<unknown>;
  readonly end: RawBuilder<unknown>;
}

/** Does the newest part that is left; false where none is, or another collector is at work. */
export async function workOnPart(
  writer: RollupWriter,
  { marker, by, shapes, levels, to }: Work,
): Promise<boolean> {
  return await writer.transaction(async (trx) => {
    if (!(await lockState(trx, false))) return false;
    const name = sql.ref(marker);
    const latest = shapes.flatMap(({ levelTables }) =>
      levels.map(
        (level) => sql`
        select max(bucket) as bucket from ${sql.table(levelTables[level])}
        where bucket < (select ${name} from rollup_state)`,
      ),
    );
    const { rows } = await sql<{ part: Date | null }>`
      update rollup_state set ${name} = coalesce(part, '-infinity')
      from (
        select date_trunc(${by}, max(bucket), 'UTC') as part
        from (${sql.join(latest, sql` union all `)}) as latest
      ) as last
      where ${name} > '-infinity' returning part`.execute(trx);
    const from = rows[0]?.part;
    if (!from) return false;
    const begin = sql`${from}::timestamptz`;
    const end = sql`${begin} + ${by === 'hour' ? '1 hour' : '24 hours'}::interval`;
    for (const shape of shapes) {
      for (const level of levels) await to(trx, shape, level, { begin, end });
    }
    return true;
  });
}
