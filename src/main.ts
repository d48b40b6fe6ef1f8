#!/usr/bin/env node
import { readFileSync } from 'node:fs';
import { Command, Option } from 'commander';
import { Collector } from './collector.ts';
import {
  type Config,
  type Environment,
  optionNames,
  options,
  readConfig,
  strayVariables,
  withoutSecrets,
} from './config.ts';
import { eraseOptions, eraseSubject } from './erase-command.ts';
import { StartError } from './errors.ts';
import { type CommandFlag, expiryFlag, keyFlags } from './key-commands.ts';
import { createLogger, type Logger } from './observe/logger.ts';
import {
  auditList,
  deadLettersDrop,
  deadLettersList,
  deadLettersReplay,
  deadLettersShow,
  keysCreate,
  keysList,
  keysRevoke,
  keysRotate,
  legacyCopy,
  legacyDrop,
  legacyStatus,
  migrate,
  type Run,
  runSql,
  spoolDrain,
  spoolShow,
} from './operator-commands.ts';
import { pricesList, usageExplain, usageReprice } from './price-commands.ts';
import { rollupsRebuild, rollupsVerify } from './rollup-commands.ts';

const spanFlags = [
  new Option('--from <time>', 'from the quarter hour of this time on; absent: from the first on'),
  new Option('--to <time>', 'up to this time; absent: all'),
];

const quiet: CommandOptions = { quiet: true };

async function serve(config: Config, logger: Logger): Promise<void> {
  logger.info({ config: withoutSecrets(config) }, 'starting');
  for (const { variable, nearest } of strayVariables(process.env)) {
    logger.warn({ variable }, `${variable} is no option: did you mean ${nearest}?`);
  }
  let collector: Collector | undefined;
  let stopping = false;
  const onSignal = (signal: NodeJS.Signals) => {
    // A second signal ends at once; what was acknowledged is durable. Before the start nothing was.
    if (stopping || !collector) process.exit(stopping ? 1 : 0);
    stopping = true;
    logger.info({ signal }, 'signal');
    collector.stop().then(
      () => process.exit(0),
      (error) => fail(error, logger),
    );
  };
  process.on('SIGTERM', onSignal);
  process.on('SIGINT', onSignal);
  collector = await Collector.start(config, logger);
  try {
    await collector.untilReady();
  } catch (error) {
    if (!stopping) await collector.stop();
    throw error;
  }
  logger.info(`ready: ${urlOf(config, collector.port)}`);
}

function urlOf({ host, tlsCertFile }: Config, port: number): string {
  const name = host.includes(':') ? `[${host.replace('%', '%25')}]` : host;
  return `${tlsCertFile === '' ? 'http' : 'https'}://${name}:${port}`;
}

/** Says why it ends: in one sentence where somebody can mend it, with a stack where it is our fault. */
function fail(error: unknown, logger?: Logger): never {
  const known = error instanceof StartError;
  const message = known ? error.message : 'unexpected error';
  if (logger?.isLevelEnabled('fatal')) logger.fatal(known ? {} : { err: error }, message);
  else console.error(known ? message : (error as Error).stack);
  process.exit(1);
}

interface CommandOptions {
  /** Flags of its own. */
  readonly own?: readonly Option[];
  /** It prints results for people, and logs would be in the way. */
  readonly quiet?: boolean;
}

/** A command that takes every option, by flag or environment. */
function command(
  name: string,
  description: string,
  run: Run,
  { quiet = false, own = [] }: CommandOptions = {},
): Command {
  const made = new Command(name.split(' ')[0]).description(description);
  for (const argument of name.split(' ').slice(1)) made.argument(argument);
  for (const option of [...own, ...optionNames.map(flag)]) made.addOption(option);
  return made.action(async () => {
    const given = made.opts<Record<string, string>>();
    const flags = Object.fromEntries(
      optionNames.map((key) => [key, given[flag(key).attributeName()]]),
    );
    const defaults = quiet ? { TELEMETRY_LOG_LEVEL: 'warn' } : {};
    const env: Environment = { ...defaults, ...process.env };
    // Known before the rest, so that a wrong option is said where everything else is.
    const format = flags.logFormat ?? env.TELEMETRY_LOG_FORMAT ?? options.logFormat.default;
    const pretty = format === 'pretty' || (format !== 'json' && process.stderr.isTTY);
    const logger = createLogger({ level: 'info', format: pretty ? 'pretty' : 'json' });
    try {
      const config = readConfig(env, flags);
      logger.level = config.logLevel;
      await run(config, logger, made.args, given);
    } catch (error) {
      fail(error, quiet ? undefined : logger);
    }
  });
}

function flag(name: (typeof optionNames)[number]): Option {
  const { flag, description, env } = options[name];
  const { default: otherwise } = options[name];
  const shown = typeof otherwise === 'function' ? otherwise(process.env) : otherwise;
  return new Option(flag, `${description} (${env}${shown === '' ? '' : `, default ${shown}`})`);
}

const optionOf = ([flag, meaning]: CommandFlag) => new Option(flag, meaning);

const { version } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8'));
const program = new Command('gravitas-telemetry')
  .description(
    'Takes checks, LLM usage and metrics over gRPC, Connect and HTTP, and stores them in PostgreSQL.',
  )
  .version(version)
  .addCommand(command('serve', 'run the collector (the default)', serve), { isDefault: true })
  .addCommand(command('migrate', 'bring the schema of the database up to date', migrate))
  .addCommand(
    new Command('legacy')
      .description('tables of older services whose rows were adopted')
      .addCommand(command('status', 'how far the copying has come', legacyStatus, quiet))
      .addCommand(command('copy', 'copy again what is missing of them', legacyCopy, quiet))
      .addCommand(command('drop', 'drop the tables whose every row is in ours', legacyDrop, quiet)),
  )
  .addCommand(
    new Command('dead-letters')
      .description('rows that PostgreSQL refused')
      .addCommand(
        command('list', 'the newest 1000, and how many there are', deadLettersList, quiet),
      )
      .addCommand(command('show <id...>', 'what is in them', deadLettersShow, quiet))
      .addCommand(
        command('replay <id...>', 'store them after all; "all" for all', deadLettersReplay, quiet),
      )
      .addCommand(
        command('drop <id...>', 'forget them for good; "all" for all', deadLettersDrop, quiet),
      ),
  )
  .addCommand(
    new Command('spool')
      .description('data that a collector has acknowledged and not stored in PostgreSQL yet')
      .addCommand(command('status [directory]', 'what there is of it', spoolShow, quiet))
      .addCommand(
        command('drain <directory>', 'store what a collector that is gone left', spoolDrain, quiet),
      ),
  )
  .addCommand(
    new Command('rollups')
      .description('what is counted and summed up ahead of the questions')
      .addCommand(
        command('verify', 'compare it with the rows', rollupsVerify, { ...quiet, own: spanFlags }),
      )
      .addCommand(
        command('rebuild', 'compute it again from the rows', rollupsRebuild, {
          ...quiet,
          own: spanFlags,
        }),
      ),
  )
  .addCommand(
    new Command('usage')
      .description('stored model calls')
      .addCommand(
        command('explain <id>', 'which rule, which price, which arithmetic', usageExplain, quiet),
      )
      .addCommand(
        command('reprice', 'compute costs anew that no client has said', usageReprice, {
          quiet: true,
          own: [
            new Option('--since <time>', 'from this time or day on, or so long ago: 30d, 12h'),
            new Option('--until <time>', 'before this time or day'),
            new Option('--dry-run', 'only say what would change'),
          ],
        }),
      ),
  )
  .addCommand(
    new Command('prices').description('what calls of language models cost').addCommand(
      command('list', 'your own prices and those of the list', pricesList, {
        quiet: true,
        own: [
          new Option('--provider <name>', 'only of this provider, however it is written'),
          new Option('--model <name>', 'only models with this in their name; * for anything'),
          new Option('--json', 'as JSON'),
        ],
      }),
    ),
  )
  .addCommand(
    new Command('keys')
      .description('API keys')
      .addCommand(
        command('create <name>', 'make a key, whose secret is printed this once', keysCreate, {
          quiet: true,
          own: keyFlags.map(optionOf),
        }),
      )
      .addCommand(command('list', 'every secret that there is or was', keysList, quiet))
      .addCommand(
        command('rotate <name>', 'make a second secret for a name', keysRotate, {
          quiet: true,
          own: [optionOf(expiryFlag)],
        }),
      )
      .addCommand(
        command(
          'revoke <name-or-id...>',
          'end all secrets of a name, or one of them',
          keysRevoke,
          quiet,
        ),
      ),
  )
  .addCommand(command('erase', 'remove what is stored of somebody', eraseSubject, eraseOptions))
  .addCommand(
    new Command('audit')
      .description('what operators did')
      .addCommand(command('list', 'the newest 1000 entries', auditList, quiet)),
  )
  .addCommand(command('sql <query>', 'run one query and print the rows', runSql, quiet));

await program.parseAsync().catch((error) => fail(error));
