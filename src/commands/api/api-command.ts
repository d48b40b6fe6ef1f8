import { Command, Option } from 'commander';
import { fail } from '../command.ts';
import { print, type Report } from '../report.ts';
import { Connection } from './connection.ts';
import { endQuietly } from './terminal.ts';

/** What somebody typed: by the names of the flags, in camel case. */
export type Flags = Readonly<Record<string, unknown>>;

/** What a command does; what it has not printed by itself is its report. */
export type ApiRun = (
  connection: Connection,
  flags: Flags,
  args: readonly string[],
) => Promise<Report | undefined>;

const common = [
  new Option('--url <url>', 'address of a collector')
    .env('TELEMETRY_URL')
    .default('http://localhost:8002'),
  new Option(
    '--key <secret>',
    'API key; better by environment, since others on this machine see flags',
  ).env('TELEMETRY_TOKEN'),
  new Option('--ca-file <path>', 'authorities in PEM for https').env('TELEMETRY_CA_FILE'),
];

const statuses = `
Exit status: 0 done; 1 not, or not all of it, and the standard error says why; 130 interrupted.`;

/** A command that asks a collector, from wherever it is run. */
export function apiCommand(
  name: string,
  description: string,
  flags: readonly Option[],
  run: ApiRun,
): Command {
  const made = new Command(name.split(' ')[0]).description(description);
  for (const argument of name.split(' ').slice(1)) made.argument(argument);
  for (const option of [...flags, ...common]) made.addOption(option);
  made.addHelpText('after', statuses);
  return made.action(async () => {
    endQuietly();
    const given = made.opts<Flags>();
    try {
      const connection = new Connection({
        url: String(given.url),
        key: given.key as string | undefined,
        caFile: given.caFile as string | undefined,
      });
      const report = await run(connection, given, made.args);
      if (report) print(report, given.json !== undefined);
    } catch (error) {
      fail(error);
    }
  });
}

export const jsonFlag = (what: string): Option => new Option('--json', what);
