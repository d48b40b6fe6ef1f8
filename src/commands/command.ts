import { Command, Option } from 'commander';
import {
  type Config,
  currentLogLevel,
  type Environment,
  optionNames,
  options,
  readConfig,
  type Sources,
} from '../config.ts';
import { StartError } from '../errors.ts';
import { createLogger, type Logger } from '../observe/logger.ts';
import { plain } from './plain.ts';
import { print, type Report } from './report.ts';

/** What somebody typed behind the name of a command. */
export interface Typed {
  /** What is neither a flag nor the command's name. */
  readonly args: readonly string[];
  /** The command's own flags. */
  readonly flags: Readonly<Record<string, unknown>>;
}

/** What a command does; the report is printed, and an error ends it. */
export type Run = (config: Config, logger: Logger, typed: Typed) => Promise<Report | undefined>;

/** A flag as the command line has it, with what it means. */
export type CommandFlag = readonly [flag: string, meaning: string];

export interface CommandOptions {
  /** Flags of its own. */
  readonly own?: readonly CommandFlag[];
  /** It is the collector, or works on its schema: its log is the result. */
  readonly logs?: boolean;
}

/** A command that takes every option, by flag or environment. */
export function command(
  name: string,
  description: string,
  run: Run,
  options: CommandOptions = {},
): Command {
  return unreadCommand(
    name,
    description,
    async ({ env, flags }, logger, typed) => {
      const defaults = options.logs ? {} : { TELEMETRY_LOG_LEVEL: 'warn' };
      const config = readConfig({ ...defaults, ...env }, flags);
      logger.level = currentLogLevel(config);
      return await run(config, logger, typed);
    },
    options,
  );
}

/** The same, for what looks at the options itself. */
export function unreadCommand(
  name: string,
  description: string,
  run: (sources: Sources, logger: Logger, typed: Typed) => Promise<Report | undefined>,
  { logs = false, own = [] }: CommandOptions = {},
): Command {
  const made = new Command(name.split(' ')[0]).description(description);
  for (const argument of name.split(' ').slice(1)) made.argument(argument);
  for (const [flag, meaning] of own) made.option(flag, meaning);
  made.option('--json', logs ? 'log in JSON' : 'print the result as JSON');
  for (const option of optionNames.map(optionFlag)) made.addOption(option);
  return made.action(async () => {
    const given = made.opts<Record<string, string>>();
    const asJson = given.json !== undefined;
    const flags = flagsOf(given, asJson && logs);
    const env: Environment = process.env;
    const logger = createLogger({ level: 'info', format: logFormat(env, flags) });
    try {
      const report = await run({ env, flags }, logger, { args: made.args, flags: given });
      if (report) print(report, asJson);
    } catch (error) {
      fail(error, logs ? logger : undefined);
    }
  });
}

/** Commands about one thing. */
export function commandGroup(
  name: string,
  description: string,
  commands: readonly Command[],
): Command {
  const group = new Command(name).description(description);
  for (const each of commands) group.addCommand(each);
  return group;
}

/** Says why it ends: in one sentence where somebody can mend it, with a stack where it is our fault. */
export function fail(error: unknown, logger?: Logger): never {
  const known = error instanceof StartError;
  const message = known ? error.message : 'unexpected error';
  if (logger?.isLevelEnabled('fatal')) logger.fatal(known ? {} : { err: error }, message);
  else console.error(known ? plain(message) : (error as Error).stack);
  process.exit(1);
}

/** What a shell says of whoever SIGPIPE ends, which Node passes over. */
const leftStatus = 141;

/** Ends it where nobody reads any more what it prints. */
export function leave(): never {
  process.exit(leftStatus);
}

function optionFlag(name: (typeof optionNames)[number]): Option {
  const { flag, description, env, default: otherwise } = options[name];
  const shown = typeof otherwise === 'function' ? otherwise(process.env) : otherwise;
  return new Option(flag, `${description} (${env}${shown === '' ? '' : `, default ${shown}`})`);
}

function flagsOf(given: Environment, logsAsJson: boolean): Environment {
  const flags = Object.fromEntries(
    optionNames.map((name) => [name, given[optionFlag(name).attributeName()]]),
  );
  return logsAsJson ? { logFormat: 'json', ...withoutAbsent(flags) } : flags;
}

const withoutAbsent = (flags: Environment): Environment =>
  Object.fromEntries(Object.entries(flags).filter(([, value]) => value !== undefined));

/** Known before the rest, so that a wrong option is said where everything else is. */
function logFormat(env: Environment, flags: Environment): 'json' | 'pretty' {
  const format = flags.logFormat ?? env.TELEMETRY_LOG_FORMAT ?? options.logFormat.default;
  return format === 'pretty' || (format !== 'json' && process.stderr.isTTY) ? 'pretty' : 'json';
}
