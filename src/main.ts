#!/usr/bin/env node
import './signals.ts';
import { Collector } from './collector.ts';
import { command, fail } from './commands/command.ts';
import { createProgram } from './commands/program.ts';
import { checkMemory } from './config/memory.ts';
import { shareOf } from './config/share.ts';
import { readTraceOptions } from './config/trace-options.ts';
import { type Config, currentLogLevel, strayVariables, withoutSecrets } from './config.ts';
import { errorMessage, StartError } from './errors.ts';
import { letIdleHeapShrink } from './idle-heap.ts';
import type { Logger } from './observe/logger.ts';
import { Membership } from './processes/fellows.ts';
import { Several } from './processes/several.ts';
import { startTracing, type Tracing } from './traces/tracing.ts';
import { version } from './version.ts';

/** What is started and stopped: a collector in this process, one of several, or all of these. */
interface Service {
  readonly port: number;
  untilReady(): Promise<void>;
  reload(): Promise<void>;
  stop(): Promise<void>;
}

async function serve(config: Config, logger: Logger): Promise<undefined> {
  letIdleHeapShrink();
  const membership = await Membership.join();
  if (membership) return await serveAsMember(config, logger, membership);
  logger.info({ version, config: withoutSecrets(config) }, 'starting');
  for (const { variable, nearest } of strayVariables(process.env)) {
    logger.warn({ variable }, `${variable} is no option: did you mean ${nearest}?`);
  }
  checkMemory(config);
  const start = config.processes === 1 ? Collector.start : Several.start;
  const { port } = await run(config, logger, async () => await start(config, logger));
  logger.info(`ready: ${urlOf(config, port)}`);
}

/** One process of several: the supervisor is told where a process by itself would log. */
async function serveAsMember(
  config: Config,
  logger: Logger,
  membership: Membership,
): Promise<undefined> {
  const { number, stopWanted } = membership;
  const own = logger.child({ process: number });
  const start = async () => {
    const collector = await Collector.start(shareOf(config, number), own, membership);
    membership.reached('listening', collector.port);
    membership.onAsked('reload', () => reload(config, collector, own));
    return collector;
  };
  try {
    const { port } = await run(config, own, start, stopWanted);
    membership.reached('ready', port);
  } catch (error) {
    if (!(error instanceof StartError)) throw error;
    await membership.failed(error.message);
    process.exit(1);
  }
}

/** How long traces that have not been sent yet may keep the end waiting. */
const tracesMsMax = 1000;

/** Resolves when it is ready. Signals, and `stopWanted`, stop it. */
async function run(
  config: Config,
  logger: Logger,
  start: () => Promise<Service>,
  stopWanted?: Promise<void>,
): Promise<Service> {
  let service: Service | undefined;
  let tracing: Tracing | undefined;
  let stopping = false;
  const stop = () => {
    // Before the start nothing was acknowledged.
    if (!service) process.exit(0);
    if (stopping) return;
    stopping = true;
    service
      .stop()
      .then(() => tracing?.stop(tracesMsMax))
      .then(
        () => process.exit(0),
        (error) => fail(error, logger),
      );
  };
  const onSignal = (signal: NodeJS.Signals) => {
    // A second signal ends at once; what was acknowledged is durable.
    if (stopping) process.exit(1);
    if (service) logger.info({ signal }, 'signal');
    stop();
  };
  process.on('SIGTERM', onSignal);
  process.on('SIGINT', onSignal);
  process.on('SIGHUP', async () => {
    await reload(config, service, logger);
    logger.info('keys, prices, certificates and the log level are read again');
  });
  stopWanted?.then(stop);
  tracing = await tracingOf(logger);
  service = await start();
  try {
    await service.untilReady();
  } catch (error) {
    if (!stopping) await service.stop();
    throw error;
  }
  return service;
}

/** Its packages take memory and time, of those only who want it. */
async function tracingOf(logger: Logger): Promise<Tracing | undefined> {
  const wanted = readTraceOptions(process.env);
  return wanted && (await startTracing(wanted, logger));
}

/** What can't be read again stays as it is. */
async function reload(config: Config, service: Service | undefined, logger: Logger): Promise<void> {
  try {
    logger.level = currentLogLevel(config);
  } catch (error) {
    logger.warn(`${errorMessage(error)}; the level from before is kept`);
  }
  await service?.reload();
}

function urlOf({ host, tlsCertFile }: Config, port: number): string {
  const name = host.includes(':') ? `[${host.replace('%', '%25')}]` : host;
  return `${tlsCertFile === '' ? 'http' : 'https'}://${name}:${port}`;
}

const serveCommand = command('serve', 'run the collector (the default)', serve, { logs: true });

async function main(): Promise<void> {
  const program = createProgram(version, serveCommand);
  const [name = 'serve'] = process.argv.slice(2);
  if (name !== 'serve') (await import('./commands/others.ts')).addOthers(program);
  await program.parseAsync();
}

main().catch((error) => fail(error));
