#!/usr/bin/env node
import { Collector } from './collector.ts';
import { command, fail } from './commands/command.ts';
import { createProgram } from './commands/program.ts';
import { type Config, currentLogLevel, strayVariables, withoutSecrets } from './config.ts';
import { errorMessage } from './errors.ts';
import type { Logger } from './observe/logger.ts';
import { version } from './version.ts';

async function serve(config: Config, logger: Logger): Promise<undefined> {
  logger.info({ version, config: withoutSecrets(config) }, 'starting');
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
  process.on('SIGHUP', () => reload(config, collector, logger));
  collector = await Collector.start(config, logger);
  try {
    await collector.untilReady();
  } catch (error) {
    if (!stopping) await collector.stop();
    throw error;
  }
  logger.info(`ready: ${urlOf(config, collector.port)}`);
}

/** What can't be read again stays as it is. */
async function reload(
  config: Config,
  collector: Collector | undefined,
  logger: Logger,
): Promise<void> {
  try {
    logger.level = currentLogLevel(config);
  } catch (error) {
    logger.warn(`${errorMessage(error)}; the level from before is kept`);
  }
  await collector?.reload();
  logger.info('keys, prices, certificates and the log level are read again');
}

function urlOf({ host, tlsCertFile }: Config, port: number): string {
  const name = host.includes(':') ? `[${host.replace('%', '%25')}]` : host;
  return `${tlsCertFile === '' ? 'http' : 'https'}://${name}:${port}`;
}

// By themselves, the one opens a debugger to everybody on this machine, and the other ends the process.
process.on('SIGUSR1', () => {});
process.on('SIGUSR2', () => {});

const serveCommand = command('serve', 'run the collector (the default)', serve, { logs: true });

async function main(): Promise<void> {
  const program = createProgram(version, serveCommand);
  const [name = 'serve'] = process.argv.slice(2);
  if (name !== 'serve') (await import('./commands/others.ts')).addOthers(program);
  await program.parseAsync();
}

main().catch((error) => fail(error));
