import { type Command, Option } from 'commander';
import { StartError } from '../../errors.ts';
import { type ApiRun, apiCommand, jsonFlag } from './api-command.ts';
import type { Connection } from './connection.ts';
import { formats } from './files/record-file.ts';
import { Target } from './files/target.ts';
import { pages } from './list-pages.ts';
import { type Kind, parametersOf, rangeFlags, rangeOf, recordFlags } from './record-flags.ts';
import type { FlatRecord } from './records.ts';
import { note, Progress } from './terminal.ts';

const names: Readonly<Record<string, Kind>> = { events: 'event', usage: 'usage' };

const exportRecords: ApiRun = async (connection, flags, [name = 'events']) => {
  const kind = names[name];
  if (!kind) throw new StartError(`${JSON.stringify(name)} is neither events nor usage`);
  const asJson = flags.json !== undefined;
  const parameters = parametersOf(kind, flags);
  const { since, until = new Date() } = rangeOf(flags);
  // What comes meanwhile is not of it.
  parameters.set('end_time', until.toISOString());
  const target = new Target(kind, flags);
  const progress = new Progress('records');
  const fromMs = progress.isShown
    ? (since?.getTime() ?? (await oldestMs(connection, kind, parameters)))
    : undefined;
  let [records, lastMs] = [0, until.getTime()];
  try {
    for await (const page of pages(connection, kind, parameters)) {
      await target.write(page);
      records += page.length;
      lastMs = timeOf(page.at(-1)) ?? lastMs;
      progress.show(records, fromMs && shareDone(fromMs, lastMs, until.getTime()));
    }
    await target.end();
  } catch (error) {
    progress.end();
    await target.leave(records, lastMs);
    throw error;
  }
  progress.end();
  const { path: output, format } = target;
  if (asJson) {
    return output === undefined ? undefined : { json: { records, format, output }, shown: [] };
  }
  note(`${records} ${kind === 'event' ? 'events' : 'usage records'} exported`);
  return undefined;
};

/** How much of the time is done, from its end to its beginning. */
const shareDone = (fromMs: number, lastMs: number, untilMs: number): number =>
  (untilMs - lastMs) / Math.max(1, untilMs - fromMs);

function timeOf(record: FlatRecord | undefined): number | undefined {
  const ms = Date.parse(String(record?.timestamp));
  return Number.isNaN(ms) ? undefined : ms;
}

/** Only to say how far it is. */
async function oldestMs(connection: Connection, kind: Kind, parameters: URLSearchParams) {
  const oldest = new URLSearchParams([...parameters, ['order', 'oldest']]);
  for await (const [record] of pages(connection, kind, oldest, 1)) return timeOf(record);
  return undefined;
}

export const exportCommand = (): Command =>
  apiCommand(
    'export [events|usage]',
    'all records of a kind, or those of a filter, newest first',
    [
      new Option(
        '--format <format>',
        `${formats.join(', ')} (default by the file's name, or else ndjson)`,
      ),
      new Option('--output <file>', 'where to; absent: the standard output'),
      ...recordFlags,
      ...rangeFlags,
      jsonFlag('what was written in JSON; without --output, the records as one list'),
    ],
    exportRecords,
  );
