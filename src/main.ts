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
import { adoptionStates, dropAdoptedTables } from './database/adoption.ts';
import { DatabaseService } from './database/database-service.ts';
import { createKysely } from './database/pool.ts';
import { createLogger, type Logger } from './observe/logger.ts';

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

async function migrate(config: Config, logger: Logger): Promise<void> {
  await withDatabase(config, logger, async (database) => {
    await database.migrate();
    console.log('the schema is up to date');
  });
}

async function legacyStatus(config: Config, logger: Logger): Promise<void> {
  await withDatabase(config, logger, async (database) => {
    console.table(await adoptionStates(createKysely(database.upkeep)));
  });
}

async function legacyDrop(config: Config, logger: Logger): Promise<void> {
  await withDatabase(config, logger, async (database) => {
    const dropped = await dropAdoptedTables(createKysely(database.upkeep));
    console.log(dropped.length > 0 ? `dropped ${dropped.join(', ')}` : 'nothing to drop');
  });
}

async function runSql(query: string, config: Config, logger: Logger): Promise<void> {
  await withDatabase(config, logger, async (database) => {
    const { rows, command, rowCount } = await database.upkeep.query(query);
    if (rows.length > 0) console.table(rows.map(printable));
    else console.log(`${command} ${rowCount ?? ''}`);
  });
}

/** Objects as the JSON that the database holds. */
function printable(row: Record<string, unknown>): Record<string, unknown> {
  const isPlain = (value: unknown) =>
    value === null || typeof value !== 'object' || value instanceof Date;
  return Object.fromEntries(
    Object.entries(row).map(([name, value]) => [
      name,
      isPlain(value) ? value : JSON.stringify(value),
    ]),
  );
}

async function withDatabase(
  config: Config,
  logger: Logger,
  work: (database: DatabaseService) => Promise<void>,
): Promise<void> {
  const database = await DatabaseService.join(config, logger);
  try {
    await work(database);
  } finally {
    await database.close();
  }
}

function fail(error: unknown): never {
  console.error(error instanceof ConfigError ? error.message : (error as Error).stack);
  process.exit(1);
}

/** A command that takes every option, by flag or environment. */
function command(
  name: string,
  description: string,
  run: (config: Config, logger: Logger) => Promise<void>,
  defaults: Environment = {},
): Command {
  const made = new Command(name).description(description);
  for (const optionName of optionNames) made.addOption(flag(optionName));
  return made.action(async () => {
    const given = made.opts<Record<string, string>>();
    const flags = Object.fromEntries(
      optionNames.map((key) => [key, given[flag(key).attributeName()]]),
    );
    const config = readConfig({ ...defaults, ...process.env }, flags);
    const pretty =
      config.logFormat === 'pretty' || (config.logFormat === 'auto' && process.stderr.isTTY);
    await run(config, createLogger({ level: config.logLevel, format: pretty ? 'pretty' : 'json' }));
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
  );
const sql = command(
  'sql',
  'run one query and print the rows',
  (config, logger) => runSql(sql.args[0] as string, config, logger),
  quiet,
);
program.addCommand(sql.argument('<query>', 'for example "select * from system_telemetry limit 5"'));

await program.parseAsync().catch(fail);
