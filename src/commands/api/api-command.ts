import { readFileSync } from 'node:fs';
import { Command, Option } from 'commander';
import { errorMessage, StartError } from '../../errors.ts';
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
  new Option('--key-file <path>', 'file whose content is that key').env('TELEMETRY_TOKEN_FILE'),
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
        key: keyOf(made),
        caFile: given.caFile as string | undefined,
      });
      const report = await run(connection, given, made.args);
      if (report) print(report, given.json !== undefined);
    } catch (error) {
      fail(error);
    }
  });
}

/** Secrets may come in files, as orchestrators have them. What is typed goes before the environment. */
function keyOf(command: Command): string | undefined {
  const { key, keyFile } = command.opts<{ key?: string; keyFile?: string }>();
  const isTyped = (name: string) => command.getOptionValueSource(name) === 'cli';
  if (keyFile === undefined || (isTyped('key') && !isTyped('keyFile'))) return key;
  if (key !== undefined && isTyped('key') === isTyped('keyFile')) {
    throw new StartError('--key-file: the key is given too: which is it?');
  }
  try {
    return readFileSync(keyFile, 'utf8').trim();
  } catch (error) {
    throw new StartError(`--key-file: ${errorMessage(error)}`);
  }
}

export const jsonFlag = (what: string): Option => new Option('--json', what);
