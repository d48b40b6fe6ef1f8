import { errorMessage, StartError } from '../errors.ts';
import type { Environment } from './option.ts';

const samplers = [
  'always_on',
  'always_off',
  'traceidratio',
  'parentbased_always_on',
  'parentbased_always_off',
  'parentbased_traceidratio',
] as const;

/** How the collector traces itself; the rest is between the exporter and its own variables. */
export interface TraceOptions {
  readonly sampler: (typeof samplers)[number];
  /** Of what is traced, where the sampler asks for it. */
  readonly ratio: number;
}

/**
 * By the variables that OpenTelemetry has for it, so that one environment does for all services of a
 * host; undefined where nothing is to be traced. Throws a `StartError` for what can't be followed.
 * https://opentelemetry.io/docs/specs/otel/configuration/sdk-environment-variables/
 */
export function readTraceOptions(env: Environment): TraceOptions | undefined {
  const read = (variable: string, otherwise: string) => env[variable]?.trim() || otherwise;
  const exporter = among('OTEL_TRACES_EXPORTER', read('OTEL_TRACES_EXPORTER', 'none'), [
    'none',
    'otlp',
  ]);
  if (exporter === 'none' || /^true$/i.test(read('OTEL_SDK_DISABLED', 'false'))) return undefined;
  const sampler = read('OTEL_TRACES_SAMPLER', 'parentbased_always_on');
  for (const variable of ['OTEL_EXPORTER_OTLP_PROTOCOL', 'OTEL_EXPORTER_OTLP_TRACES_PROTOCOL'])
    among(variable, read(variable, 'http/protobuf'), ['http/protobuf']);
  return {
    sampler: among('OTEL_TRACES_SAMPLER', sampler, samplers),
    ratio: ratioOf('OTEL_TRACES_SAMPLER_ARG', read('OTEL_TRACES_SAMPLER_ARG', '1')),
  };
}

/** What is wrong with these variables, a sentence each. */
export function traceProblems(env: Environment): string[] {
  try {
    readTraceOptions(env);
    return [];
  } catch (error) {
    return [errorMessage(error)];
  }
}

function among<T extends string>(variable: string, given: string, known: readonly T[]): T {
  const found = known.find((value) => value === given);
  if (found !== undefined) return found;
  throw wrong(variable, given, known.length > 1 ? `one of ${known.join(', ')}` : `${known[0]}`);
}

function ratioOf(variable: string, given: string): number {
  const ratio = Number(given);
  if (ratio >= 0 && ratio <= 1) return ratio;
  throw wrong(variable, given, 'a number from 0 to 1');
}

const wrong = (variable: string, given: string, expects: string) =>
  new StartError(`${variable}: ${JSON.stringify(given)} is not valid: expects ${expects}`);
