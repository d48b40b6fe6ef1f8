import type { Command } from 'commander';
import { Audit } from '../admin/audit.ts';
import { createRollupWriter } from '../commit/rollup-writer.ts';
import { createKysely } from '../database/kysely.ts';
import { StartError } from '../errors.ts';
import { createRollups } from '../rollup/create-rollups.ts';
import { noteVerified } from '../rollup/nightly.ts';
import { rebuild, type Span } from '../rollup/rebuild.ts';
import { verify } from '../rollup/verify.ts';
import { type CommandFlag, command, commandGroup } from './command.ts';
import { onDatabase, operator } from './on-database.ts';
import { readTime } from './times.ts';

const spanFlags: readonly CommandFlag[] = [
  ['--from <time>', 'from the quarter hour of this time on; absent: from the first on'],
  ['--to <time>', 'up to this time; absent: all'],
];

/** What a command was told of a span of time, by `--from` and `--to`. */
function spanOf(given: Readonly<Record<string, unknown>>): Partial<Span> {
  const timeOf = (name: string) =>
    given[name] === undefined ? undefined : readTime(`--${name}`, String(given[name]));
  const [from, to] = [timeOf('from'), timeOf('to')];
  if (from && to && from >= to) {
    throw new StartError(`--to: ${to.toISOString()} is not after --from, ${from.toISOString()}`);
  }
  return { ...(from && { from }), ...(to && { to }) };
}

const shownSpan = (span: Span | undefined): string =>
  span ? `${span.from.toISOString()} to ${span.to.toISOString()}` : 'nothing';

const verifyRollups = onDatabase(async (database, { flags }) => {
  const wanted = spanOf(flags);
  const db = createKysely(database.rollups);
  const { span, differences } = await verify(db, wanted);
  // Of all there is: what collectors tell of the last night is out of date.
  if (!wanted.from && !wanted.to) await noteVerified(db, { span, differences });
  return {
    json: { span, differences },
    shown: [differences, `${shownSpan(span)}: ${differences.length} differences`],
    failed: differences.length > 0,
  };
});

const rebuildRollups = onDatabase(async (database, { config, flags, logger }) => {
  const { series } = createRollups(database.rollups, config.rollupSeriesMax);
  const db = createKysely(database.rollups);
  const writer = createRollupWriter(database.rollups);
  const wanted = spanOf(flags);
  await new Audit(database.upkeepDb, logger).record(operator(), 'rollups rebuilt', wanted);
  const span = await rebuild(db, writer, series, wanted);
  return { json: { span }, shown: [`rebuilt: ${shownSpan(span)}`] };
});

export const rollupCommands = (): Command =>
  commandGroup('rollups', 'what is counted and summed up ahead of the questions', [
    command('verify', 'compare it with the rows', verifyRollups, { own: spanFlags }),
    command('rebuild', 'compute it again from the rows', rebuildRollups, { own: spanFlags }),
  ]);
