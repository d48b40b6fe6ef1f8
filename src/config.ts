import { readFileSync } from 'node:fs';
import { closest } from 'fastest-levenshtein';
import * as z from 'zod';
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

type AnyOption = Option<z.ZodType>;

/** Where options come from. */
export interface Sources {
  readonly env: Environment;
  readonly flags: Environment;
}

export const optionNames = Object.keys(options) as OptionName[];

/** A wrong option: says which, where it came from, and what it expects. */
export class ConfigError extends StartError {}

/** Reads every option: a flag goes before the environment, which goes before the default. */
export function readConfig(env: Environment, flags: Environment): Config {
  const memory = memoryOf({ env, flags });
  const entries = optionNames.map((name) => [name, read(name, { env, flags }, memory).value]);
  return Object.fromEntries(entries) as Config;
}

/** One option as it is in effect. */
export interface Setting {
  readonly name: OptionName;
  readonly variable: string;
  /** Of a secret only that there is one. */
  readonly value: unknown;
  /** The flag, the variable or the file that it is from, or `default`. */
  readonly origin: string;
}

/** What is in effect, and from where; throws as `readConfig` does. */
export function settings(sources: Sources): Setting[] {
  const memory = memoryOf(sources);
  const { logLevelFile } = readConfig(sources.env, sources.flags);
  return optionNames.map((name) => {
    const { env: variable } = options[name];
    if (name === 'logLevel' && logLevelFile !== '') {
      const origin = `${options.logLevelFile.env} (${logLevelFile})`;
      return { name, variable, value: readLogLevel(logLevelFile), origin };
    }
    const { value, origin } = read(name, sources, memory);
    return { name, variable, value: shown(name, value), origin };
  });
}

/** Everything that is wrong with what was given, a sentence each. */
export function configProblems(sources: Sources): string[] {
  return optionNames.flatMap((name) => {
    try {
      read(name, sources, boundless);
      return [];
    } catch (error) {
      return errorMessage(error);
    }
  });
}

/** Bytes that defaults go by. */
interface Memory {
  readonly ofAll: number;
  readonly ofEach: number;
}
const boundless: Memory = { ofAll: Infinity, ofEach: Infinity };

function memoryOf(sources: Sources): Memory {
  const numberOf = (name: OptionName) => read(name, sources, boundless).value as number;
  const ofAll = numberOf('memoryBytesMax');
  return { ofAll, ofEach: ofAll / numberOf('processes') };
}

function read(name: OptionName, sources: Sources, memory: Memory) {
  const definition: AnyOption = options[name];
  const { text, origin, where } = given(name, sources) ?? {
    text: defaultOf(definition, sources.env, memory),
    origin: 'default',
    where: definition.env,
  };
  const result = definition.schema.safeParse(text);
  if (result.success) return { value: result.data, origin };
  const quoted = definition.secret ? 'its value' : JSON.stringify(text);
  throw new ConfigError(`${where}: ${quoted} is not valid: ${result.error.issues[0]?.message}`);
}

/** What somebody says of an option, if anybody does. */
function given(name: OptionName, { env, flags }: Sources) {
  const { env: variable, flag, secret }: AnyOption = options[name];
  const [flagName = ''] = flag.split(' ');
  const text = flags[name];
  if (text !== undefined) return { text, origin: flagName, where: flagName };
  const file = secret ? env[fileVariable(name)] : undefined;
  const set = env[variable];
  if (file !== undefined && !isOption(fileVariable(name))) {
    const from = fileVariable(name);
    if (set !== undefined) throw new ConfigError(`${from}: ${variable} is set too: which is it?`);
    return { text: readSecret(from, file), origin: `${from} (${file})`, where: from };
  }
  return set === undefined ? undefined : { text: set, origin: variable, where: variable };
}

/** Secrets may come in files, as orchestrators have them. */
const fileVariable = (name: OptionName): string => `${options[name].env}_FILE`;

const isOption = (variable: string): boolean =>
  optionNames.some((name) => options[name].env === variable);

function readSecret(variable: string, file: string): string {
  try {
    return readFileSync(file, 'utf8').replace(/\r?\n$/, '');
  } catch (cause) {
    throw new ConfigError(`${variable}: ${errorMessage(cause)}`, { cause });
  }
}

function defaultOf(
  { default: otherwise, memoryShare = Infinity, isEach = false }: AnyOption,
  env: Environment,
  { ofAll, ofEach }: Memory,
): string {
  const text = typeof otherwise === 'function' ? otherwise(env) : otherwise;
  const share = Math.floor((isEach ? ofEach : ofAll) * memoryShare);
  return Number(text) > share ? String(share) : text;
}

/** The least severity to log at the moment; throws a `StartError` where the file of it is no good. */
export const currentLogLevel = ({ logLevel, logLevelFile }: Config): string =>
  logLevelFile === '' ? logLevel : readLogLevel(logLevelFile);

function readLogLevel(file: string): string {
  try {
    return options.logLevel.schema.parse(readFileSync(file, 'utf8').trim());
  } catch (error) {
    const reason = error instanceof z.ZodError ? error.issues[0]?.message : errorMessage(error);
    throw new ConfigError(`${options.logLevelFile.env}: ${file}: ${reason}`);
  }
}

/** Of the client libraries, which may run beside the collector with the same environment. */
const clientVariables = [
  'TELEMETRY_URL',
  'TELEMETRY_ENABLED',
  'TELEMETRY_TOKEN',
  'TELEMETRY_TOKEN_FILE',
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
  const own = optionNames.flatMap((name) =>
    'secret' in options[name] ? [options[name].env, fileVariable(name)] : options[name].env,
  );
  const known = [...own, ...clientVariables];
  return Object.keys(env)
    .filter((variable) => /^TELEMETRY_/i.test(variable) && !known.includes(variable))
    .map((variable) => ({ variable, nearest: closest(variable.toUpperCase(), known) }));
}

/** The configuration as it may be logged. */
export function withoutSecrets(config: Config): Record<string, unknown> {
  return Object.fromEntries(optionNames.map((name) => [name, shown(name, config[name])]));
}

const shown = (name: OptionName, value: unknown): unknown =>
  'secret' in options[name] && value !== '' ? '(secret)' : value;
