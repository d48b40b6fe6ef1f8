import { readFileSync } from 'node:fs';
import { Command, Option } from 'commander';
import { errorMessage, StartError } from '../../errors.ts';
import { fail, leave } from '../command.ts';
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

const url = () => new Option('--url <url>', 'address of a collector').env('TELEMETRY_URL');
/** Who asks it. */
const credentials = [
  new Option(
    '--key <secret>',
    'API key; better by environment, since others on this machine see flags',
  ).env('TELEMETRY_TOKEN'),
  new Option('--key-file <path>', 'file whose content is that key').env('TELEMETRY_TOKEN_FILE'),
  new Option('--ca-file <path>', 'authorities in PEM for https').env('TELEMETRY_CA_FILE'),
];

/** For commands that ask a collector only where they are told its address. */
export const connectionFlags: readonly Option[] = [url(), ...credentials];
const common = [url().default('http://localhost:8002'), ...credentials];

const statuses = `
Exit status: 0 done; 1 not, or not all of it, and the standard error says why; 130 interrupted;
141 whoever reads its output has left.`;

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
    endQuietly(leave, fail);
    const given = made.opts<Flags>();
    try {
      const report = await run(connectionOf(made), given, made.args);
      if (report) print(report, given.json !== undefined);
    } catch (error) {
      fail(error);
    }
  });
}

export function connectionOf(command: Command): Connection {
  const { url: address, caFile } = command.opts<{ url: string; caFile?: string }>();
  return new Connection({ url: address, key: keyOf(command), caFile });
}

/** By hand, and not in the environment. */
export const isTyped = (command: Command, flag: string): boolean =>
  command.getOptionValueSource(flag) === 'cli';

/** Secrets may come in files, as orchestrators have them. What is typed goes before the environment. */
function keyOf(command: Command): string | undefined {
  const { key, keyFile } = command.opts<{ key?: string; keyFile?: string }>();
  const [keyTyped, fileTyped] = [isTyped(command, 'key'), isTyped(command, 'keyFile')];
  if (keyFile === undefined || (keyTyped && !fileTyped)) return key;
  if (key !== undefined && keyTyped === fileTyped) {
    throw new StartError('--key-file: the key is given too: which is it?');
  }
  try {
    return readFileSync(keyFile, 'utf8').trim();
  } catch (error) {
    throw new StartError(`--key-file: ${errorMessage(error)}`);
  }
}

export const jsonFlag = (what: string): Option => new Option('--json', what);
