import { readFileSync } from 'node:fs';
import { closest } from 'fastest-levenshtein';
import { z } from 'zod';
import { dataOptions } from './config/data-options.ts';
import { keyOptions } from './config/key-options.ts';
import { limitOptions } from './config/limit-options.ts';
import { logOptions } from './config/log-options.ts';
import type { Environment, Option } from './config/option.ts';
import { placeOptions } from './config/place-options.ts';
import { retentionOptions } from './config/retention-options.ts';
import { stopOptions } from './config/stop-options.ts';
import { tlsOptions } from './config/tls-options.ts';
import { writeOptions } from './config/write-options.ts';
import { errorMessage, StartError } from './errors.ts';

export type { Environment } from './config/option.ts';

/** Every option there is; docs/configuration.md lists the same. */
export const options = {
  ...placeOptions,
  ...keyOptions,
  ...logOptions,
  ...writeOptions,
  ...limitOptions,
  ...tlsOptions,
  ...dataOptions,
  ...retentionOptions,
  ...stopOptions,
} as const;

export type OptionName = keyof typeof options;
export type Config = { readonly [Name in OptionName]: z.output<(typeof options)[Name]['schema']> };

type AnyOption = Pick<Option<z.ZodType>, 'default' | 'memoryShare'>;

export const optionNames = Object.keys(options) as OptionName[];

/** A wrong option: says which, where it came from, and what it expects. */
export class ConfigError extends StartError {}

/** Reads every option: a flag goes before the environment, which goes before the default. */
export function readConfig(env: Environment, flags: Environment): Config {
  const memoryBytes = readOption('memoryBytesMax', env, flags, Infinity) as number;
  const entries = optionNames.map((name) => [name, readOption(name, env, flags, memoryBytes)]);
  return Object.fromEntries(entries) as Config;
}

function readOption(
  name: OptionName,
  env: Environment,
  flags: Environment,
  memoryBytes: number,
): unknown {
  const definition = options[name];
  const { schema, env: variable, flag } = definition;
  const text = flags[name] ?? env[variable] ?? defaultOf(definition, env, memoryBytes);
  const result = schema.safeParse(text);
  if (result.success) return result.data;
  const where = flags[name] === undefined ? variable : flag.split(' ')[0];
  const shown = 'secret' in definition ? 'its value' : JSON.stringify(text);
  throw new ConfigError(`${where}: ${shown} is not valid: ${result.error.issues[0]?.message}`);
}

function defaultOf(
  { default: otherwise, memoryShare = Infinity }: AnyOption,
  env: Environment,
  memoryBytes: number,
): string {
  const text = typeof otherwise === 'function' ? otherwise(env) : otherwise;
  const share = Math.floor(memoryBytes * memoryShare);
  return Number(text) > share ? String(share) : text;
}

/** The least severity to log at the moment; throws a `StartError` where the file of it is no good. */
export function currentLogLevel({ logLevel, logLevelFile }: Config): string {
  if (logLevelFile === '') return logLevel;
  try {
    return options.logLevel.schema.parse(readFileSync(logLevelFile, 'utf8').trim());
  } catch (error) {
    const reason = error instanceof z.ZodError ? error.issues[0]?.message : errorMessage(error);
    throw new ConfigError(`TELEMETRY_LOG_LEVEL_FILE: ${logLevelFile}: ${reason}`);
  }
}

/** Of the client libraries, which may run beside the collector with the same environment. */
const clientVariables = [
  'TELEMETRY_URL',
  'TELEMETRY_ENABLED',
  'TELEMETRY_TOKEN',
  'TELEMETRY_SERVICE_NAME',
  'TELEMETRY_TRANSPORT',
  'TELEMETRY_FALLBACK',
  'TELEMETRY_SPOOL_DIRECTORY',
  'TELEMETRY_CA_FILE',
  'TELEMETRY_CLIENT_CERT_FILE',
  'TELEMETRY_CLIENT_KEY_FILE',
];

/** Variables that look like options and are none, each with the known one that is spelt most alike. */
export function strayVariables(env: Environment): { variable: string; nearest: string }[] {
  const known = [...optionNames.map((name) => options[name].env), ...clientVariables];
  return Object.keys(env)
    .filter((variable) => /^TELEMETRY_/i.test(variable) && !known.includes(variable))
    .map((variable) => ({ variable, nearest: closest(variable.toUpperCase(), known) }));
}

/** The configuration as it may be logged. */
export function withoutSecrets(config: Config): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(config).map(([name, value]) => {
      const secret = 'secret' in options[name as OptionName] && value !== '';
      return [name, secret ? '(secret)' : value];
    }),
  );
}
