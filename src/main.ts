#!/usr/bin/env node
import { readFileSync } from 'node:fs';
import { Command, Option } from 'commander';
import { Collector } from './collector.ts';
import {
  type Config,
  ConfigError,
  type Environment,
  optionNames,
  options,
  readConfig,
  withoutSecrets,
} from './config.ts';
import { createLogger, type Logger } from './observe/logger.ts';
import {
  deadLettersDrop,
  deadLettersList,
  deadLettersReplay,
  deadLettersShow,
  legacyDrop,
  legacyStatus,
  migrate,
  type Run,
  runSql,
} from './operator-commands.ts';

/** Commands that look at a database print results; their logs would be in the way. */
const quiet = { TELEMETRY_LOG_LEVEL: 'warn' };

async function serve(config: Config, logger: Logger): Promise<void> {
  logger.info({ config: withoutSecrets(config) }, 'starting');
  const starting = Collector.start(config, logger);
  let stopping = false;
  const onSignal = (signal: NodeJS.Signals) => {
    // A second signal ends at once; what was acknowledged is durable.
    if (stopping) process.exit(1);
    stopping = true;
    logger.info({ signal }, 'signal');
    starting.then((collector) => collector.stop()).then(() => process.exit(0), fail);
  };
  process.on('SIGTERM', onSignal);
  process.on('SIGINT', onSignal);
  const collector = await starting;
  await collector.untilReady();
  logger.info(`ready: http://${config.host}:${collector.port}`);
}

function fail(error: unknown): never {
  console.error(error instanceof ConfigError ? error.message : (error as Error).stack);
  process.exit(1);
}

/** A command that takes every option, by flag or environment. */
function command(name: string, description: string, run: Run, defaults: Environment = {}): Command {
  const made = new Command(name.split(' ')[0]).description(description);
  for (const argument of name.split(' ').slice(1)) made.argument(argument);
  for (const optionName of optionNames) made.addOption(flag(optionName));
  return made.action(async () => {
    const given = made.opts<Record<string, string>>();
    const flags = Object.fromEntries(
      optionNames.map((key) => [key, given[flag(key).attributeName()]]),
    );
    const config = readConfig({ ...defaults, ...process.env }, flags);
    const pretty =
      config.logFormat === 'pretty' || (config.logFormat === 'auto' && process.stderr.isTTY);
    const logger = createLogger({ level: config.logLevel, format: pretty ? 'pretty' : 'json' });
    await run(config, logger, made.args);
  });
}

function flag(name: (typeof optionNames)[number]): Option {
  const { flag, description, env } = options[name];
  const { default: otherwise } = options[name];
  const shown = typeof otherwise === 'function' ? otherwise(process.env) : otherwise;
  return new Option(flag, `${description} (${env}${shown === '' ? '' : `, default ${shown}`})`);
}

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
      .addCommand(command('drop', 'drop the tables that are copied completely', legacyDrop, quiet)),
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
  .addCommand(command('sql <query>', 'run one query and print the rows', runSql, quiet));

await program.parseAsync().catch(fail);
