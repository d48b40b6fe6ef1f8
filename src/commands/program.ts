import { Command } from 'commander';

/** The command line; `serve` is what it does when it is told nothing. */
export const createProgram = (version: string, serve: Command): Command =>
  new Command('gravitas-telemetry')
    .description(
      'Takes checks, LLM usage and metrics over gRPC, Connect and HTTP, and stores them in PostgreSQL.',
    )
    .version(version)
    .addCommand(serve, { isDefault: true });
