import { createRollupWriter } from './commit/rollup-writer.ts';
import { createKysely } from './database/kysely.ts';
import { StartError } from './errors.ts';
import { onDatabase } from './operator-commands.ts';
import { createRollups } from './rollup/create-rollups.ts';
import { rebuild, type Span } from './rollup/rebuild.ts';
import { verify } from './rollup/verify.ts';

/** What a command was told of a span of time, by `--from` and `--to`. */
function spanOf(given: Readonly<Record<string, unknown>>): Partial<Span> {
  const times = (['from', 'to'] as const).flatMap((name) => {
    const text = given[name];
    if (text === undefined) return [];
    const ms = Date.parse(String(text));
    if (!Number.isNaN(ms)) return [[name, new Date(ms)] as const];
    throw new StartError(
      `--${name}: ${JSON.stringify(text)} is not valid: expects a time such as 2026-01-31 or 2026-01-31T10:00:00Z`,
    );
  });
  return Object.fromEntries(times);
}

const shownSpan = (span: Span | undefined): string =>
  span ? `${span.from.toISOString()} to ${span.to.toISOString()}` : 'nothing';

export const rollupsVerify = onDatabase(async (database, _args, _logger, { given }) => {
  const { span, differences } = await verify(createKysely(database.rollups), spanOf(given));
  if (differences.length > 0) console.table(differences);
  console.log(`${shownSpan(span)}: ${differences.length} differences`);
  if (differences.length > 0) process.exitCode = 1;
});

export const rollupsRebuild = onDatabase(async (database, _args, _logger, { config, given }) => {
  const { series } = createRollups(database.rollups, config.rollupSeriesMax);
  const db = createKysely(database.rollups);
  const writer = createRollupWriter(database.rollups);
  console.log(`rebuilt: ${shownSpan(await rebuild(db, writer, series, spanOf(given)))}`);
});
